"""Wires the applications to one platform and runs it."""
