"""One message's way through the stations, from what each of them has recorded of it. Nothing is started or changed."""
