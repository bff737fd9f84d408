"""What the management API needs of the tokens package."""
