"""The venue, its scenarios, the event contract and the sinks that send it."""
