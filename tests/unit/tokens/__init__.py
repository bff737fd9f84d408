"""Tests of the tokens package, path for path."""
