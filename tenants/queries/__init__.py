"""Reads: the tenant is the first argument of each of them."""
