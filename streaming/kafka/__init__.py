"""What the stream asks Kafka beside the messages: topic ids, offsets and lag, and how to log in."""
