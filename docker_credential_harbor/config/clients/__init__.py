"""The configuration files of the programs that call a credential helper."""
