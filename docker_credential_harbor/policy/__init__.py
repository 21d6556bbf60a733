"""Pure decisions, without I/O."""
