"""The servers: Harbor and the identity provider."""
