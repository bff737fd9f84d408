"""The least that could be done: one function with the same cryptography and one insert."""
