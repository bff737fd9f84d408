"""The admin of this package: one module per entity."""
