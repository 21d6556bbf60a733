"""Our configuration, and those of the clients that call us."""
