"""The operating system's own calls, one file a system."""
