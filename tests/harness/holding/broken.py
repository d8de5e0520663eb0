"""The product with one defence taken out: `python -m tests.harness.holding.broken FAULT serve …`

* memory: an allowance answers for a second from what it read before.
* lock: who reserves does not wait for others who do.
* clamp: nothing of an invoice is waived.

The product has no door for this: its functions are replaced here, in processes that this module starts.
"""

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, Final

MEMORY_SECONDS: Final = 1.0


def remember() -> None:
    module = import_module("billing.limits.queries.allowance")
    read, kept = module.read_books, dict[int, tuple[float, Any]]()

    def remembered(account: Any, at: Any) -> Any:
        if time.monotonic() > kept.get(account.pk, (0.0, None))[0] + MEMORY_SECONDS:
            kept[account.pk] = (time.monotonic(), read(account, at))
        return kept[account.pk][1]

    module.read_books = remembered


def unlock() -> None:
    module = import_module("billing.limits.actions.reserving")
    module.hold_reservations = lambda account_id, shared=False: module.clock()


def unclamp() -> None:
    module = import_module("billing.pricing.clamp")
    module.payable = lambda versions, usage: module.Payable(max(usage, 0), 0 * usage)


FAULTS: Final[dict[str, Callable[[], None]]] = {"memory": remember, "lock": unlock, "clamp": unclamp}


def application(fault: str) -> Any:
    """The ASGI application with the fault; `serve` gives the server one of the names below."""
    found = import_module("portal.asgi").application
    FAULTS[fault]()
    return found


memory, lock, clamp = (partial(application, fault) for fault in FAULTS)


def main() -> None:
    fault, *words = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django
    from django.core.management import execute_from_command_line

    from portal import serving

    django.setup()
    FAULTS[fault]()
    whole = serving._server_command

    def server_command(host: str, port: int) -> list[str]:
        return [*whole(host, port)[:-1], "--factory", f"{__spec__.name}:{fault}"]

    serving._server_command = server_command
    execute_from_command_line(["manage.py", *words])


if __name__ == "__main__":
    main()
