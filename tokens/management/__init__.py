"""The commands of the tokens package."""
