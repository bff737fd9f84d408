"""What Aidbox says of itself."""
