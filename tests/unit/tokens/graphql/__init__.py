"""Tests of GraphQL over the users."""
