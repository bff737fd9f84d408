"""The rows of the table: what is compared, and as which kind of client it is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from benchmarks.workloads import Workload

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `kinds` names the kind of its client in each of its workloads.

    A row without a server makes its own load. `least_seconds` is for what answers seldom.
    """

    name: str
    title: str
    server: str
    kinds: Mapping[Workload, str]
    least_seconds: int = 1


def _row(
    name: str,
    title: str,
    server: str,
    *,
    asking: str = "",
    introspection: str = "",
    refresh: str = "",
) -> Row:
    kinds = {
        Workload.CLIENT_CREDENTIALS: asking,
        Workload.INTROSPECTION: introspection,
        Workload.REFRESH: refresh,
    }
    return Row(name, title, server, {workload: kind for workload, kind in kinds.items() if kind})


def _toolkit(secret: str, title: str, server: str) -> Row:
    return _row(
        f"toolkit-{secret}-{server}",
        f"django-oauth-toolkit, {title}, {server}",
        f"toolkit-{server}",
        asking=secret,
        introspection=secret,
        refresh=f"{secret}-web",
    )


def _hashed(row: Row, *workloads: Workload) -> Row:
    """Let a row whose every request takes a fifth of a second take part in some workloads only."""
    kinds = {workload: kind for workload, kind in row.kinds.items() if workload in workloads}
    return replace(row, kinds=kinds, least_seconds=3)


OURS: Final = "ours-jwt"
ROWS: Final[Mapping[str, Row]] = {
    row.name: row
    for row in (
        _row(
            OURS,
            "**authplatform**, ES256 JWT",
            "lean",
            asking="jwt",
            introspection="jwt",
            refresh="refresh",
        ),
        _row(
            "ours-opaque",
            "**authplatform**, opaque",
            "lean",
            asking="opaque",
            introspection="opaque",
        ),
        _row("ours-rs256", "**authplatform**, RS256 JWT", "lean", asking="rs256"),
        _row(
            "django-jwt",
            "authplatform, ES256 JWT, through Django and DRF",
            "django",
            asking="jwt",
            introspection="jwt",
            refresh="refresh",
        ),
        _toolkit("plain", "plain secret", "granian"),
        _toolkit("plain", "plain secret", "gunicorn"),
        _hashed(_toolkit("hashed", "as shipped (hashed secret)", "granian"), *Workload),
        _hashed(
            _toolkit("hashed", "as shipped (hashed secret)", "gunicorn"),
            Workload.CLIENT_CREDENTIALS,
        ),
        _row(
            "node-postgresql",
            "node oidc-provider, PostgreSQL, opaque",
            "node-postgresql",
            asking="opaque",
            introspection="opaque",
            refresh="refresh",
        ),
        _row(
            "node-memory",
            "node oidc-provider, in memory (tokens: ES256 JWT, no row)",
            "node-memory",
            asking="jwt",
            introspection="opaque",
            refresh="refresh",
        ),
        _row(
            "bare",
            "a bare WSGI function: same cryptography, one statement",
            "bare",
            asking="jwt",
            introspection="opaque",
        ),
        _row("empty", "an empty WSGI function: granian alone", "empty", asking="any"),
        _row("pgbench", "pgbench, inserting the same row", "", asking="row"),
        _row("signing", "signing alone, ES256, one core", "", asking="ES256"),
        _row("signing-rs256", "signing alone, RS256, one core", "", asking="RS256"),
    )
}
