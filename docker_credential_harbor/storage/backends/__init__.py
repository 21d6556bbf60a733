"""Where secrets are kept: one file a backend."""
