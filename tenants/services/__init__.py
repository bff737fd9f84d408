"""Writes: each service is one transaction with its configuration change and audit event."""
