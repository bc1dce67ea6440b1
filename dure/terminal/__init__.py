"""What the command line looks like: the run while it goes on, and the answers."""
