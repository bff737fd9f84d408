"""How an issuer stands in a URL: project, environment and tenant."""

from __future__ import annotations


class IssuerPathConverter:
    """The three slugs of an issuer, as one text."""

    regex = r"[a-z0-9-]{1,63}/[a-z0-9-]{1,63}/[a-z0-9-]{1,63}"

    def to_python(self, value: str) -> str:
        """Leave the path as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Leave the path as it is."""
        return value
