"""Factories that make valid objects; a test states only what matters to it."""
