"""Why a page can't be shown. A person gets a sentence that says what to do, never a 500."""

from __future__ import annotations


class PageRefused(Exception):
    """A page is not shown; `reason` is a key of `tokens/front_channel/sentences.py`.

    `detail` goes to the log only. Raised before a redirect URI is proven, and by every form.
    """

    def __init__(self, reason: str, *, status: int = 400, detail: str = "") -> None:
        """Name the reason, the status of the answer and what only the log says."""
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.detail = detail
