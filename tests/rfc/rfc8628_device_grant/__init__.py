"""RFC 8628: OAuth 2.0 Device Authorization Grant."""
