{{ staged_activity('wait_in_seller_line') }}
