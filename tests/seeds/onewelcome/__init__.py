"""What OneWelcome Access says of itself."""
