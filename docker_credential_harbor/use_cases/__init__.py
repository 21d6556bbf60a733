"""What is done for whoever asks."""
