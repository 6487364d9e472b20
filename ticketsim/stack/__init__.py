"""The processes of a laptop: broker, Dagster, the whole stack and the demo."""
