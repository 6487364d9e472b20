{{ staged_activity('scan_tickets') }}
