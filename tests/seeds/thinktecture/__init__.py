"""What Thinktecture AuthorizationServer says of itself."""
