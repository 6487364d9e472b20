"""The event contract as the stream applies it: validation, quarantine and reprocessing."""
