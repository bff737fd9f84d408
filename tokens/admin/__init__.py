"""The admin of what happens on the wire: sessions, tokens and the rotation of keys."""

from tokens.admin import pages, signing_key

__all__ = ["pages", "signing_key"]
