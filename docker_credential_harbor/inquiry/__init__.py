"""Finding out what needs no person."""
