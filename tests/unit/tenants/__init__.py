"""Tests of the tenants package, path for path."""
