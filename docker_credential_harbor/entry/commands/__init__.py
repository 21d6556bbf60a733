"""One file a command for people: its arguments, its work and its printing."""
