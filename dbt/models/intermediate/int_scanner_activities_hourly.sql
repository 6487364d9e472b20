{{ activity_totals(['walk_to_scanner', 'wait_in_scanner_line', 'scan_tickets']) }}
