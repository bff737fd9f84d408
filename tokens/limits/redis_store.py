"""Shares the limits in Redis or Valkey, where an installation has one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import redis

from tokens.limits.delays import FORGET_SECONDS
from tokens.limits.keys import MAX_LIMITED, Lease, LimitKey, LimitKind, StoreAway

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from tenants.records import Rate
    from tokens.limits.keys import Backoff

TIMEOUT_SECONDS: Final = 0.25
KEPT_SECONDS: Final = 60
# Both scripts go by the server's clock unless they are given another one; the second key lists
# whoever was refused lately by when they may come back, so that the admin needs no search.
_NOW: Final = """
local now = tonumber(ARGV[1])
if not now then local t = redis.call('TIME'); now = t[1] + t[2] / 1000000 end
local function refuse(limited_until)
  redis.call('ZADD', KEYS[2], limited_until, ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - 60)
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1001)
  redis.call('EXPIRE', KEYS[2], 3600)
end
"""
# The same arithmetic as in `tokens/limits/rows.py`: the moment at which all will have been earned.
TAKE_SCRIPT: Final = f"""{_NOW}
local rate, burst = tonumber(ARGV[3]), tonumber(ARGV[4])
local spent = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now - burst / rate)
spent = math.min(spent + tonumber(ARGV[5]) / rate, now + burst / rate)
local granted = math.min(tonumber(ARGV[6]), math.max(0, math.floor((now - spent) * rate)))
if granted == 0 then refuse(spent + 1 / rate) end
spent = spent + granted / rate
local keep = math.ceil(math.max(0, spent - now) + burst / rate) + {KEPT_SECONDS}
redis.call('SET', KEYS[1], string.format('%.6f', spent), 'EX', keep)
return {{granted, tostring(math.max(0, spent + 1 / rate - now))}}
"""
FAIL_SCRIPT: Final = f"""{_NOW}
local failures = redis.call('INCRBY', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[1], {FORGET_SECONDS})
local beyond = failures - tonumber(ARGV[4])
if beyond >= 0 then refuse(now + math.min(tonumber(ARGV[5]), 2 ^ math.min(beyond, 30))) end
return failures
"""


class LimitCache:
    """The keys `authplatform:limit:...`; each operation is one script."""

    def __init__(self, url: str, clock: Callable[[], float] | None = None) -> None:
        """Connect at first use; go by the server's clock, or by another one."""
        self._clock = clock
        self._redis = redis.Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        )
        self._take = self._redis.register_script(TAKE_SCRIPT)
        self._fail = self._redis.register_script(FAIL_SCRIPT)

    def take(self, key: LimitKey, rate: Rate, *, used: int, wanted: int) -> Lease:
        """Charge what was used without a lease, and lease up to as many requests more.

        Raises:
            StoreAway: the server can't be reached.
        """
        granted, wait = self._run(self._take, key, rate.per_second, rate.burst, used, wanted)
        return Lease(int(granted), float(wait))

    def add_failures(self, key: LimitKey, count: int, backoff: Backoff) -> int:
        """Count failures and answer how many there are in all processes.

        Raises:
            StoreAway: the server can't be reached.
        """
        return int(self._run(self._fail, key, count, backoff.free_failures, backoff.max_seconds))

    def clear(self, key: LimitKey) -> None:
        """Forget the failures of a key.

        Raises:
            StoreAway: the server can't be reached.
        """
        try:
            self._redis.delete(_name(key))
        except redis.RedisError as error:
            raise StoreAway(type(error).__name__) from error

    def list_limited(self, tenant_id: UUID | None, since: float) -> list[tuple[LimitKey, float]]:
        """List whom a tenant lets wait until later than `since`: the key, and until when.

        Raises:
            StoreAway: the server can't be reached.
        """
        try:
            rows: Any = self._redis.zrevrangebyscore(
                _list_name(tenant_id), "+inf", since, start=0, num=MAX_LIMITED, withscores=True
            )
        except redis.RedisError as error:
            raise StoreAway(type(error).__name__) from error
        return [(_read_member(tenant_id, member), float(until)) for member, until in rows]

    def close(self) -> None:
        """Give the connections back."""
        self._redis.close()

    def _run(self, script: Any, key: LimitKey, *arguments: float) -> Any:  # noqa: ANN401 - as it says.
        now = self._clock() if self._clock else ""
        keys = [_name(key), _list_name(key.tenant_id)]
        try:
            return script(keys=keys, args=[now, _write_member(key), *arguments])
        except redis.RedisError as error:
            raise StoreAway(type(error).__name__) from error


def _name(key: LimitKey) -> str:
    # Braces keep a tenant's keys on one node of a cluster, as scripts want them.
    return f"authplatform:limit:{{{key.tenant_id}}}:{key.id}"


def _list_name(tenant_id: UUID | None) -> str:
    return f"authplatform:limited:{{{tenant_id}}}"


def _write_member(key: LimitKey) -> str:
    return json.dumps([key.kind, key.name, key.address])


def _read_member(tenant_id: UUID | None, member: bytes) -> LimitKey:
    kind, name, address = json.loads(member)
    return LimitKey(LimitKind(kind), tenant_id, name, address)
