"""What is kept of one registry, under its lock."""
