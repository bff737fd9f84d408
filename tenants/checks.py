"""System checks of the tenants package; each has an id that is never used again."""
