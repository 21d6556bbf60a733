"""The operating system: files, locks, processes, standard error, schedulers."""
