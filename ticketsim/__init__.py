"""The laptop's stand-in for the virtual machines: broker, stack, demo and the command line."""
