{{ staged_activity('walk_to_scanner') }}
