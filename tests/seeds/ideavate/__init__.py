"""What Ideavate says of itself."""
