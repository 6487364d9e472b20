"""What runs by itself: the sensors, alerts, and the clean-up of orphaned runs."""
