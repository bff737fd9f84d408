"""The management commands of the tenants package."""
