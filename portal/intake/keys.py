"""The keys of senders, looked up once in a while: a sender of a thousand requests a second has one key."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from django.db import connection
from django.utils import timezone

from accounts.keys import find_key, note_use
from accounts.models import ApiKey

KEPT_SECONDS: Final = 2.0
"""How long a key is taken for live after it was seen so; a revoked one is refused at the latest then."""

MAX_KEPT: Final = 10_000


@dataclass
class Keys:
    """Live keys by their text. Texts that are no live key are looked up each time."""

    kept: dict[str, tuple[float, ApiKey]] = field(default_factory=dict)
    # One thread: it keeps one connection, however many senders come at once.
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "keys"))

    async def find(self, authorization: str) -> ApiKey | None:
        """The live key in an Authorization header, or None. Raises the database's errors."""
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        since, key = self.kept.get(text, (0.0, None))
        if key is not None and time.monotonic() - since < KEPT_SECONDS:
            return key
        key = await asyncio.get_running_loop().run_in_executor(self.thread, _find, text.strip())
        if key is None:
            self.kept.pop(text, None)
            return None
        if len(self.kept) >= MAX_KEPT:
            self.kept.clear()
        self.kept[text] = time.monotonic(), key
        return key


def _find(text: str) -> ApiKey | None:
    try:
        now = timezone.now()
        key = find_key(text, now)
        if key is not None:
            note_use(key, now)
        return key
    finally:
        connection.close()
