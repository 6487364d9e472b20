{{ staged_activity('bus_arrival', of_group=false) }}
