"""What is done for them, one verb a file."""
