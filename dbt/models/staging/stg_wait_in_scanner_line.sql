{{ staged_activity('wait_in_scanner_line') }}
