"""Docker credential helper for Harbor registries that sign people in through OIDC."""

__version__ = "0.2.0"
