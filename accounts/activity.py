"""Who changed what: `record` keeps it in the transaction of the change, so that there is never one without the other.

Who acts is known from the request (accounts/middleware.py) and need not be handed down; commands and jobs act as the
system.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from accounts.models import Account, Activity, ApiKey, Deed, User


@dataclass(frozen=True, slots=True)
class Doer:
    """Who changes something: a person, a key by its name, or the system."""

    by: Activity.By
    name: str = ""
    email: str = ""
    user_id: int | None = None


SYSTEM: Final = Doer(Activity.By.SYSTEM)
_acts: Final = ContextVar[Doer]("acts", default=SYSTEM)


def doer_of(who: User | ApiKey) -> Doer:
    if isinstance(who, ApiKey):
        return Doer(Activity.By.KEY, who.name)
    by = Activity.By.STAFF if who.is_staff else Activity.By.MEMBER
    return Doer(by, str(who), who.email, who.pk)


@contextmanager
def acting(who: Doer | User | ApiKey) -> Iterator[None]:
    """What is recorded inside was done by `who`, unless another one is named."""
    token = _acts.set(who if isinstance(who, Doer) else doer_of(who))
    try:
        yield
    finally:
        _acts.reset(token)


def acts(who: User | ApiKey) -> None:
    """From here to the end of the `acting` around it, `who` acts."""
    _acts.set(doer_of(who))


def record(
    account: Account | int, deed: Deed, *, by: Doer | User | ApiKey | None = None, **details: Any
) -> Activity:
    """Keep that `by` (default: who acts) did `deed` to the account. Call it where the change is made, in its
    transaction and scope.

    `details`: what is needed to say it in a sentence; names and figures as they were, `before` and `after` where
    something was replaced. Decimals and instants become text. No secrets.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("record() belongs into the transaction of the change")
    doer = _acts.get() if by is None else by if isinstance(by, Doer) else doer_of(by)
    return Activity.objects.create(
        account_id=account if isinstance(account, int) else account.pk,
        deed=deed,
        by=doer.by,
        by_name=doer.name,
        by_email=doer.email,
        user_id=doer.user_id,
        details=_plain(details),
    )


def _plain(details: dict[str, Any]) -> Any:
    """As JSON keeps it."""
    return json.loads(json.dumps(details, cls=DjangoJSONEncoder))
