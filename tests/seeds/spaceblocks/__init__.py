"""What Space Blocks says of itself."""
