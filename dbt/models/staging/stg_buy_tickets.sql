{{ staged_activity('buy_tickets', facts=['amount_cents']) }}
