"""What a token costs, as a ratio against something that is measured in the same run."""
