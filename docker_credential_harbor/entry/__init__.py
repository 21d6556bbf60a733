"""Who asks: Docker's verbs and the commands for people; arguments and printing."""
