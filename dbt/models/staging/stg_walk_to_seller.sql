{{ staged_activity('walk_to_seller') }}
