"""Writes what was measured of platforms with few and many tenants as Markdown."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.flat_tenancy import Platform
    from benchmarks.plans import Ran


def table(platforms: Sequence[Platform]) -> list[str]:
    """Write the tables, and in a line each what they come to."""
    sizes = [f"{_spaced(platform.tenants)} tenants" for platform in platforms]
    lines = [
        f"| per second | {' | '.join(sizes)} | largest to smallest, by rounds | CPU per request |"
    ]
    lines.append(f"| --- |{' ---: |' * (len(sizes) + 2)}")
    lines += [_rate_line(row, platforms) for row in platforms[0].rates]
    lines += ["", f"| | {' | '.join(sizes)} |", f"| --- |{' ---: |' * len(sizes)}"]
    lines.append(_line("start, to the first token, ms", platforms, lambda p: p.starts_ms))
    lines.append(_line("a tenant with its first keys made, ms", platforms, lambda p: p.made_ms))
    lines.append(_line("memory of the web processes, kB", platforms, lambda p: p.memory_kb))
    lines += ["", _memory_per_tenant(platforms), "", *_statements(platforms)]
    return lines


def _rate_line(row: str, platforms: Sequence[Platform]) -> str:
    rates = [_spaced(statistics.median(platform.rates[row])) for platform in platforms]
    smallest, largest = platforms[0], platforms[-1]
    rate = paired(largest.rates[row], smallest.rates[row])
    cpu = paired(largest.cpu_us[row], smallest.cpu_us[row])
    return f"| {row} | {' | '.join(rates)} | {rate:+.1%} | {cpu:+.1%} |"


def paired(those: Sequence[float], these: Sequence[float]) -> float:
    """Answer by which part those are more than these, as the median over the rounds' pairs."""
    return statistics.median(a / b for a, b in zip(those, these, strict=True)) - 1


def _line(
    name: str, platforms: Sequence[Platform], read: Callable[[Platform], Sequence[float]]
) -> str:
    cells = [_spaced(statistics.median(read(platform))) for platform in platforms]
    return f"| {name} | {' | '.join(cells)} |"


def _memory_per_tenant(platforms: Sequence[Platform]) -> str:
    few, many = platforms[0], platforms[-1]
    more = statistics.median(many.memory_kb) - statistics.median(few.memory_kb)
    tenants = many.tenants - few.tenants
    return (
        f"Memory per idle tenant: {more / tenants:.3f} kB, over all processes of the web server "
        f"({more:.0f} kB between {_spaced(few.tenants)} and {_spaced(many.tenants)} tenants)."
    )


def _statements(platforms: Sequence[Platform]) -> list[str]:
    """Say for each row whether the platforms ran the same statements by the same plans."""
    return [
        _compare(row, [platform.ran[row] for platform in platforms]) for row in platforms[0].ran
    ]


def _compare(row: str, ran: Sequence[Sequence[Ran]]) -> str:
    """Compare the statements of all platforms, and the plans of all but the smallest.

    PostgreSQL reads a table of a few pages whole, whatever its indexes.
    """
    smallest, *others = ran
    texts = {tuple(one.text for one in statements) for statements in ran}
    plans = {tuple(one.plan for one in statements) for statements in others}
    pairs = zip(smallest, others[-1], strict=False)
    small = sum(one.plan != other.plan for one, other in pairs)
    said = "the same statements" if len(texts) == 1 else "**other statements**"
    planned = "the same plans" if len(plans) == 1 else "**other plans**"
    count = sum(bool(one.plan) for one in smallest)
    fewest = f"{small} other plans with the fewest tenants"
    return f"- {row}: {count} statements; {said}, {planned}; {fewest}."


def _spaced(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")
