"""The loopback server of a sign-in by browser (RFC 8252 7.3)."""
