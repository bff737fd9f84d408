"""The platform's own management commands."""
