"""How often a key may ask: a token bucket for each key, in the memory of the serving process.

It keeps one busy client from starving the others, and costs a dictionary look-up. With several server processes
each has its own buckets, so the true ceiling is the setting times the processes (docs/operating.md).
Header names follow draft-ietf-httpapi-ratelimit-headers; Retry-After is always there with 429.
"""

import math
import threading
import time
from dataclasses import dataclass, field
from uuid import UUID

from portal.api.problems import Problem

WINDOW = 60
_MAX_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a key's bucket; `wait` is 0 while it may ask."""

    name: str
    per_minute: int
    left: int
    wait: int

    def headers(self) -> dict[str, str]:
        until_full = math.ceil((self.per_minute - self.left) * WINDOW / self.per_minute)
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.per_minute};w={WINDOW}',
            "RateLimit": f'"{self.name}";r={self.left};t={until_full}',
        }


@dataclass
class Buckets:
    """One bucket for each key. `per_minute` tokens fit in and flow in; 0 means that nothing is limited."""

    name: str
    per_minute: int
    _levels: dict[UUID, tuple[float, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, key: UUID, now: float | None = None) -> Allowance | None:
        """Use one token of `key`, or problem 429. None where there is no limit."""
        if not self.per_minute:
            return None
        now = time.monotonic() if now is None else now
        with self._lock:
            level, since = self._levels.get(key, (float(self.per_minute), now))
            level = min(self.per_minute, level + (now - since) * self.per_minute / WINDOW)
            granted = level >= 1
            if len(self._levels) >= _MAX_KEYS and key not in self._levels:
                self._levels.clear()
            self._levels[key] = (level - 1 if granted else level, now)
        wait = 0 if granted else max(1, math.ceil((1 - level) * WINDOW / self.per_minute))
        found = Allowance(self.name, self.per_minute, int(level - 1) if granted else 0, wait)
        if not granted:
            headers = {**found.headers(), "Retry-After": str(wait)}
            detail = f"This key may ask {self.per_minute:,} times a minute. Wait {wait} s."
            raise Problem("too_many_requests", detail, headers=headers)
        return found
