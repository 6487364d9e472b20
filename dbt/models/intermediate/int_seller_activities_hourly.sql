{{ activity_totals(['bus_arrival', 'walk_to_seller', 'wait_in_seller_line', 'buy_tickets']) }}
