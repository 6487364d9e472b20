"""Who may write to the lake: the stream's lease, and the queue of those who commit beside it."""
