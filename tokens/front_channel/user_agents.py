"""Says which browser on which system sent a request, as people call them.

Anybody may send any user agent, so that this is for people who look for the one they know.
Source: RFC 9110 section 10.1.5.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

# In this order, as most call themselves by the names of those that came before.
BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
MAX_CHARACTERS: Final = 60


def describe(user_agent: str) -> str:
    """Describe a user agent in the language that is active."""
    browser, system = _find(BROWSERS, user_agent), _find(SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or user_agent[:MAX_CHARACTERS] or _("Unknown device")


def _find(names: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for part, name in names if part in user_agent), "")
