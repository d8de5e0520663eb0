"""When a failed delivery is tried again: sooner at first, then ever more rarely, for three days."""

import random
from datetime import datetime, timedelta
from typing import Final

# After the first try, the second, …; the last one goes on. With the jitter, endpoints that fell together do not get up
# to everything at once.
DELAYS: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
)
JITTER: Final = 0.2
TRY_FOR: Final = timedelta(days=3)
# The longest wait that a receiver may ask for.
LONGEST_WAIT: Final = timedelta(hours=12)


def next_try(attempts: int, now: datetime, give_up_at: datetime, retry_after: float = 0.0) -> datetime | None:
    """When to try again after `attempts` failed tries, the last of them now; the very last try is at `give_up_at`.

    None: that was the last one. `retry_after`: seconds that the receiver asked for.
    """
    if now >= give_up_at:
        return None
    delay = DELAYS[min(attempts, len(DELAYS)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    asked = min(timedelta(seconds=retry_after), LONGEST_WAIT)
    return min(now + max(delay, asked), give_up_at)
