"""All that a warm get imports, and nothing else."""
