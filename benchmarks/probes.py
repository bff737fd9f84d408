"""Says in which step of a request a thread's processor time goes, while whole requests run."""

from __future__ import annotations

import contextlib
import functools
import importlib
import operator
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

EMPTY_CALLS: Final = 10_000
OUTSIDE: Final = "adapter, metrics, answer"
# Where a step is called from, and the layer that its time counts for; time in a step inside it
# counts for that one. A name that is gone fails the run, so that the table can't lie.
PROBES: Final[Mapping[str, str]] = {
    "tokens.endpoints.view:EndpointView.answer_http": "parameters, tenant",
    "tokens.limits:admit_address": "limits",
    "tokens.limits:admit_attempt": "limits",
    "tokens.limits:admit_client": "limits",
    "tokens.endpoints.token:TokenView.answer": "the endpoint itself",
    "tokens.endpoints.introspect:IntrospectView.answer": "description",
    "tokens.endpoints.token:authenticate": "client authentication",
    "tokens.endpoints.introspect:authenticate": "client authentication",
    "tokens.grants:request_access": "grant",
    "tokens.endpoints.token:decide": "decide",
    "tokens.endpoints.introspect:decide_access": "decide",
    "tokens.gate:accept": "gate and proof",
    "tokens.endpoints.token:issue": "sign, seal, put together",
    "tokens.issuance:plan_token": "plan",
    "tokens.database:execute": "statement",
}


@dataclass(slots=True)
class Layers:
    """Adds up exclusive processor time by layer, in seconds, for one thread."""

    seconds: dict[str, float] = field(default_factory=dict)
    _stack: list[str] = field(default_factory=lambda: [OUTSIDE])
    _since: float = 0.0

    def enter(self, layer: str) -> None:
        """Count what went by for the layer that was left, and go on in this one."""
        self._count()
        self._stack.append(layer)

    def leave(self) -> None:
        """Count what went by for this layer, and go back to the one around it."""
        self._count()
        self._stack.pop()

    def begin(self) -> None:
        """Start counting for what lies outside of all probes."""
        self._since = time.thread_time()

    def end(self) -> None:
        """Count what went by since the last probe."""
        self._count()

    def _count(self) -> None:
        now, layer = time.thread_time(), self._stack[-1]
        self.seconds[layer] = self.seconds.get(layer, 0.0) + now - self._since
        self._since = now


@contextlib.contextmanager
def installed() -> Iterator[Mapping[str, float]]:
    """Put the probes in; give the seconds of each layer, complete when they are out again."""
    layers = Layers()
    with contextlib.ExitStack() as stack:
        for path, layer in PROBES.items():
            stack.callback(_install(path, layer, layers))
        layers.begin()
        yield layers.seconds
        layers.end()


def measure_empty_step() -> float:
    """Answer the microseconds that a probe shows for a step that does nothing."""
    layers = Layers()
    empty = _wrap(lambda: None, "empty", layers)
    layers.begin()
    for _ in range(EMPTY_CALLS):
        empty()
    return layers.seconds["empty"] / EMPTY_CALLS * 1e6


def find(path: str) -> Callable[..., Any]:
    """Answer the step that a path names: its module, a colon, and the name in it.

    Raises:
        AttributeError: it is gone.
    """
    owner, attribute = _find_owner(path)
    step: Callable[..., Any] = getattr(owner, attribute)
    return step


def _find_owner(path: str) -> tuple[object, str]:
    module, _, name = path.partition(":")
    owner_path, _, attribute = name.rpartition(".")
    owner: object = importlib.import_module(module)
    return operator.attrgetter(owner_path)(owner) if owner_path else owner, attribute


def _install(path: str, layer: str, layers: Layers) -> Callable[[], None]:
    """Put one probe in and answer what takes it out."""
    owner, attribute = _find_owner(path)
    step = find(path)
    setattr(owner, attribute, _wrap(step, layer, layers))
    return lambda: setattr(owner, attribute, step)


def _wrap(step: Callable[..., Any], layer: str, layers: Layers) -> Callable[..., Any]:
    @functools.wraps(step)
    def probe(*positional: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the step takes.
        layers.enter(layer)
        try:
            return step(*positional, **named)
        finally:
            layers.leave()

    return probe
