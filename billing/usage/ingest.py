"""`ingest`: the one way by which events come in, over HTTP, from files and from quarantine."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import msgspec
from django.db import DatabaseError, InterfaceError, InternalError, OperationalError, connection

from accounts.models import Account
from accounts.scope import account_scope, begun_scope
from billing.plans.models import Subscription
from billing.plans.queries import current_period
from billing.usage.intake.attributes import Incoming, Rejected, read_event
from billing.usage.intake.batch import Batch, Outcome, Sender, Stored
from billing.usage.intake.body import MAX_BYTES, check_size, media_type, read_body
from billing.usage.intake.context import clock, load_context
from billing.usage.intake.errors import IntakeError, StoreUnavailable
from billing.usage.intake.typed import read_typed
from billing.usage.models import QuarantinedEvent
from billing.usage.shapes import align_shapes

__all__ = [
    "MAX_BYTES",
    "Incoming",
    "IntakeError",
    "Rejected",
    "Result",
    "StoreUnavailable",
    "ingest",
    "ingest_groups",
]

STATEMENT_EVENTS: Final = 1_000
"""Events of one transaction; more hold their locks longer and gain nothing."""

RETRIES: Final = 3
_RETRY_STATES: Final = ("40001", "40P01")  # serialization failure, deadlock


@dataclass(frozen=True, slots=True)
class Result:
    """The answer of section 6. All that is counted here is durable."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    rejected: tuple[Rejected, ...] = ()

    @property
    def status(self) -> int:
        """200, or 422 when every event was rejected."""
        kept = self.accepted + self.duplicates + self.quarantined
        return 422 if self.rejected and not kept else 200

    def __add__(self, other: "Result") -> "Result":
        return Result(
            self.accepted + other.accepted,
            self.duplicates + other.duplicates,
            self.quarantined + other.quarantined,
            self.rejected + other.rejected,
        )

    def with_rejected(self, others: Sequence[Rejected]) -> "Result":
        """This, and events that were refused before any was stored; in the order in which they were sent."""
        return replace(self, rejected=_in_order([*self.rejected, *others])) if others else self

    def as_data(self) -> dict[str, object]:
        """The body of the answer."""
        rejected = [
            {"index": each.index, "id": each.id, "code": each.code, "detail": each.detail}
            for each in self.rejected
        ]
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "quarantined": self.quarantined,
            "rejected": rejected,
        }


def ingest(
    body: bytes,
    content_type: str | None,
    own_account: Account | None = None,
    key_id: UUID | None = None,
) -> Result:
    """Store the events of a request. `own_account`: the account of the key that sends them; None: any account.
    `key_id`: that key, if what it sends is to be counted.

    Opens its own scope. Raises `IntakeError` where no event could be read (400, 413, 415) and
    `StoreUnavailable` (503), after which any part of the events may be stored: sending them again is safe.
    """
    events, rejected = read_events(body, content_type)
    return ingest_groups([events], own_account, key_id)[0].with_rejected(rejected)


def read_events(body: bytes, content_type: str | None) -> tuple[list[Incoming], list[Rejected]]:
    """The events of a request, and those that are refused as they are. Raises `IntakeError` 400, 413 or 415."""
    media = media_type(content_type)
    check_size(body)
    typed = read_typed(body, media)
    if typed is not None:
        return typed, []
    read = read_body(body, media)
    events, rejected = list[Incoming](), list[Rejected]()
    for index, raw in enumerate(read.events):
        event = read_event(index, raw, read.escaped)
        (events if isinstance(event, Incoming) else rejected).append(event)  # type: ignore[arg-type]
    return events, rejected


def ingest_groups(
    groups: Sequence[Sequence[Incoming]], own_account: Account | None = None, key_id: UUID | None = None
) -> list[Result]:
    """Store the events of several requests of one sender as if they were one, and give each request its own result.

    Raises `StoreUnavailable` for all of them: sending again is safe for each.
    """
    indexes = [[event.index for event in group] for group in groups]
    events = [event for group in groups for event in group]
    for place, event in enumerate(events):
        event.index = place
    outcomes = dict[int, Outcome]()
    for start in range(0, len(events), STATEMENT_EVENTS):
        outcomes |= store(events[start : start + STATEMENT_EVENTS], own_account, key_id)
    places = iter(range(len(events)))
    return [count(_at(outcomes[next(places)], index) for index in of_group) for of_group in indexes]


def _at(outcome: Outcome, index: int) -> Outcome:
    """The outcome, with the place that its event had in its own request."""
    return msgspec.structs.replace(outcome, index=index) if type(outcome) is Rejected else outcome


def count(outcomes: Iterable[Outcome]) -> Result:
    """Outcomes as numbers; the rejected ones with their reasons."""
    kept = list(outcomes)
    accepted = kept.count(Stored.ACCEPTED)
    if accepted == len(kept):
        return Result(accepted)
    return Result(
        accepted,
        kept.count(Stored.DUPLICATE),
        sum(isinstance(each, QuarantinedEvent.Reason) for each in kept),
        _in_order(each for each in kept if isinstance(each, Rejected)),
    )


def _in_order(rejected: Iterable[Rejected]) -> tuple[Rejected, ...]:
    return tuple(sorted(rejected, key=lambda each: each.index))


def store(
    events: Sequence[Incoming], own_account: Account | None = None, key_id: UUID | None = None
) -> dict[int, Outcome]:
    """Store events in one transaction: a thousand of requests, some thousands of a file; their outcomes by index."""
    sender = Sender() if own_account is None else Sender(own_account.pk, key_id)
    try:
        return _retried(lambda: _store(events, sender))
    except (OperationalError, InterfaceError, InternalError) as error:  # gone, full, or read-only
        raise StoreUnavailable from error


def _store(events: Sequence[Incoming], sender: Sender) -> dict[int, Outcome]:
    outcomes, behind = _attempt(events, sender)
    if outcomes is None:
        _catch_up(behind)
        outcomes, _ = _attempt(events, sender, last=True)
    assert outcomes is not None  # noqa: S101  (the last attempt always has them)
    return outcomes


def _attempt(
    events: Sequence[Incoming], sender: Sender, last: bool = False
) -> tuple[dict[int, Outcome] | None, list[int]]:
    """Store the events; or, if meters or periods must be brought up to date first, None and the accounts."""
    subjects, types = {event.subject for event in events}, {event.type for event in events}
    with begun_scope(sender.account_id) as scope:
        context = load_context(subjects, types, sender.account_id, scope)
        if (context.unaligned or context.behind) and not last:
            return None, context.behind
        batch = Batch(context, sender)
        batch.store(events)
        return batch.outcomes, []


def _catch_up(account_ids: list[int]) -> None:
    """Give new meters their shapes, and store the periods that have begun: an event may lie in one."""
    align_shapes()
    for account_id in sorted(set(account_ids)):
        with account_scope(account_id):
            running = Subscription.objects.filter(account_id=account_id, canceled_at=None).first()
            if running is not None:
                current_period(running, clock())


def _retried[T](work: Callable[[], T]) -> T:
    """Once more where the database asks for it; inside a transaction of the caller's only the caller can."""
    for attempt in range(RETRIES):
        try:
            return work()
        except DatabaseError as error:
            state = getattr(error.__cause__, "sqlstate", None)
            if state not in _RETRY_STATES or attempt == RETRIES - 1 or connection.in_atomic_block:
                raise
            time.sleep(0.01 * 2**attempt)
    raise AssertionError("unreachable")
