"""The command line, and the stack that it starts on a laptop."""
