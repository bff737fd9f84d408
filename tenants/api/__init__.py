"""The management API below `/api/v1/`: one module per entity."""
