"""Black-box tests by specification: they talk HTTP only, one folder per document."""
