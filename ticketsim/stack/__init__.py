"""The local processes: broker, Dagster, the whole stack and the demo."""
