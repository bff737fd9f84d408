"""A bounded memory that forgets what was not used lately."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class RecentValues(Generic[K, V]):
    """Two generations of values: when the young one is full, the old one is forgotten whole.

    What is used moves to the young one, so what is in use stays, and a look-up costs one step of
    a dictionary. Not safe between threads: whoever owns it holds a lock.
    """

    __slots__ = ("_limit", "_old", "young")

    def __init__(self, limit: int) -> None:
        """Keep at most so many values."""
        self._limit = max(1, limit // 2)
        self.young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        """Count the values, in both generations."""
        return len(self.young) + len(self._old)

    def get(self, key: K) -> V | None:
        """Answer the value of a key, and keep it for longer."""
        value = self.young.get(key)
        if value is None and self._old:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> None:
        """Keep a value; the oldest ones make room."""
        if len(self.young) >= self._limit and key not in self.young:
            self.young, self._old = {}, self.young
        self.young[key] = value

    def drop(self, key: K) -> V | None:
        """Forget the value of a key and answer it."""
        young, old = self.young.pop(key, None), self._old.pop(key, None)
        return old if young is None else young
