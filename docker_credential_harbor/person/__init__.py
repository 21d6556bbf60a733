"""Whether a person is there, and how they are asked."""
