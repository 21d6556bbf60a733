"""What comes from outside: cleaned where it comes in, read within bounds."""
