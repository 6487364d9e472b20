"""Which hours are complete, changed and due."""
