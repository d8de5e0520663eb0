"""One transaction of intake: a batch of events in, their outcomes out, all durable or none.

The common way is one statement: events that are all new are inserted, and what they add goes to the day totals.
Only events whose identity was known, that come twice in the batch, or that have no place yet are looked at singly.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from django.db import connection
from django.utils.translation import gettext as _

from billing.pricing.money import exact
from billing.usage.days import MICROSECOND
from billing.usage.intake.attributes import Incoming, Rejected
from billing.usage.intake.context import MAX_AHEAD, Context, Place, load_meters
from billing.usage.intake.placing import Reason, Share, shares, unusable, why_not
from billing.usage.intake.purged import Purged, load_purged
from billing.usage.intake.quarantine import Waiting, keep
from billing.usage.intake.revisions import Identity, Known, compare, load_known, replace
from billing.usage.intake.totals import Totals, encode_json
from billing.usage.statements import statement, together


class Stored(Enum):
    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"


type Outcome = Stored | Reason | Rejected
"""What became of an event; a `Reason` is why it was quarantined."""


class Placed(msgspec.Struct, gc=False):
    """An event of a known account and type."""

    event: Incoming
    place: Place
    identity: Identity
    found: list[Share]
    time: datetime
    reason: Reason | None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: a key of the account, counted if it is named, or one of the installation."""

    account_id: int | None = None
    key_id: UUID | None = None


@dataclass(slots=True)
class Batch:
    """The state of one transaction. `outcomes` by the event's index in the request."""

    context: Context
    sender: Sender = Sender()
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    purged: dict[Identity, Purged] = field(default_factory=dict)
    counted: bool = False
    """Whether the events are counted for their key already."""

    @exact()
    def store(self, events: Sequence[Incoming]) -> None:
        """Store what can be, and give each event its outcome."""
        placed = [each for event in events if (each := self._place(event)) is not None]
        self.purged = load_purged([each.identity for each in placed if each.place.has_purged])
        fresh, others = _split(placed, self.purged)
        if fresh:
            others = self._insert(fresh, others)
        if others:
            self._settle(others)
        if self.waiting:
            keep(self.waiting, self.context.now)
        if self.totals.touched or self._uncounted():
            self._write([], self.totals, self._uncounted())

    def _place(self, event: Incoming) -> Placed | None:
        context = self.context
        arrival = event.arrival or context.now
        time = event.time or arrival
        if time > (context.latest if event.arrival is None else arrival + MAX_AHEAD):
            detail = _("time: lies more than 5 minutes ahead.")
            self._reject(event, "too_far_ahead", detail)
            return None
        place = context.places.get(event.subject)
        meters = context.meters.get(event.type)
        if place is None or meters is None:
            self._unknown(event, place)
            return None
        found = [] if event.voided else shares(meters, event.data)
        if not event.voided and (bad := unusable(meters, found, event.data)):
            detail = _("%(names)s: no meter of this type can read it.") % {"names": ", ".join(bad)}
            self._reject(event, "invalid_value", detail)
            return None
        identity = (place.account_id, event.source, event.id)
        return Placed(event, place, identity, found, time, why_not(place, time, arrival))

    def _unknown(self, event: Incoming, place: Place | None) -> None:
        if self.sender.account_id is None:
            self._wait(event, Reason.UNKNOWN_TYPE if place else Reason.UNKNOWN_ACCOUNT, place)
        elif place is None:
            detail = _("subject: this key sends events of its own account only.")
            self._reject(event, "invalid_attribute", detail)
        else:
            self._reject(event, "invalid_attribute", _("type: no meter listens to it."))

    def _reject(self, event: Incoming, code: str, detail: str) -> None:
        self.outcomes[event.index] = Rejected(event.index, event.id, code, detail)

    def _wait(self, event: Incoming, reason: Reason, place: Place | None) -> None:
        self.outcomes[event.index] = reason
        if event.arrival is None:  # else it is replayed, and kept already
            self.waiting.append((event, reason, place))

    def _insert(self, fresh: list[Placed], others: list[Placed]) -> list[Placed]:
        """Insert events that have a place, in order of their keys; those whose identity was known join the others.

        Without others the sums go along. Else they wait, for settling those locks events, which comes before totals.
        """
        new_zones = {each.place.account_id: each.place for each in fresh if each.place.new_zone}
        if new_zones:
            _keep_zones(new_zones)
        fresh.sort(key=_identity)
        along = Totals()
        if not others:
            along.add_all(fresh)
        arrived, new = self._write(fresh, along, 0 if others else len(fresh)), fresh
        self.counted = not others and arrived is None
        if arrived is not None:
            now = self.context.now
            arrivals = {now + each.event.index * MICROSECOND: each for each in fresh}
            new = [arrivals[instant] for instant in arrived]
        if others or arrived is not None:
            self.totals.add_all(new)
        self.outcomes |= dict.fromkeys([each.event.index for each in new], Stored.ACCEPTED)
        if arrived is None:
            return others
        return [each for each in fresh if each.event.index not in self.outcomes] + others

    def _uncounted(self) -> int:
        """The accepted events that are not yet counted for the key that sent them; of other senders none."""
        if self.sender.key_id is None or self.counted:
            return 0
        return sum(each is Stored.ACCEPTED for each in self.outcomes.values())

    def _write(self, fresh: list[Placed], totals: Totals, sent: int) -> list[datetime] | None:
        """Store the events and, if all were new, the totals and how many were sent; else the arrivals of those that
        were."""
        first = fresh[0].event if fresh else None
        source, type_ = (first.source, first.type) if first else ("", "")
        values = {
            "events": encode_json([_row(each, source, type_) for each in fresh]).decode(),
            "count": len(fresh),
            "now": self.context.now,
            "source": source,
            "type": type_,
            "totals": totals.as_json(),
            "accounts": sorted(totals.touched),
            **self._key(sent),
        }
        with together() as run:
            answer = run(_storing("key" in values), values)
            totals.lower(run)
        arrived: list[datetime] | None = answer.fetchall()[0][0]
        if arrived is None:
            totals.keep_levels()
        return arrived

    def _key(self, sent: int) -> dict[str, object]:
        """Whose events they are, where that is counted: an account's own key, whose events are of its account only."""
        if self.sender.key_id is None or not sent:
            return {}
        (place,) = self.context.places.values()
        day = place.day_of(self.context.now)
        return {"key": self.sender.key_id, "key_account": place.account_id, "key_day": day, "sent": sent}

    def _settle(self, others: list[Placed]) -> None:
        """Compare each event with the stored one of its identity, in the order in which they were sent."""
        queues = defaultdict[Identity, list[Placed]](list)
        for each in sorted(others, key=lambda each: each.event.index):
            queues[each.identity].append(each)
        known = load_known(queues, lock=False)
        rising = [key for key, queue in queues.items() if key in known and _may_replace(queue, known[key])]
        if rising:
            known |= load_known(rising, lock=True)
            load_meters(self.context, {known[key].type for key in rising})
        for identity, queue in sorted(queues.items()):
            self._fold(identity, queue, known.get(identity) or self.purged.get(identity))

    def _fold(self, identity: Identity, queue: list[Placed], known: Known | Purged | None) -> None:
        before = known
        for each in queue:
            if known is None:
                self._wait(each.event, each.reason or Reason.NO_PERIOD, each.place)
                continue
            verdict = compare(each.event, known, self.context.meters.get(each.event.type, []))
            if verdict in ("lower", "same"):
                self.outcomes[each.event.index] = Stored.DUPLICATE
            elif verdict == "conflict":
                detail = _(
                    "id: was used for an event with other content, which stays. Correct it by a revision."
                )
                self._reject(each.event, "id_conflict", detail)
            elif isinstance(known, Purged):
                self._wait(each.event, Reason.PAST_TERM, each.place)
            else:
                known = self._revise(each, known)
        if isinstance(before, Known) and isinstance(known, Known) and known is not before:
            self._correct(identity, queue[0].place, before, known)

    def _revise(self, each: Placed, known: Known) -> Known:
        """The higher revision in place of the known one, unless either lies where nothing may change any more."""
        event, arrival = each.event, each.event.arrival or self.context.now
        time = event.time or known.time  # a correction without a time leaves the event where it was
        reason = why_not(each.place, time, arrival) or why_not(each.place, known.time, arrival)
        if reason is not None:
            self._wait(event, reason, each.place)
            return known
        self.outcomes[event.index] = Stored.ACCEPTED
        timed, arrived = event.time is not None, self.context.now + event.index * MICROSECOND
        return Known(event.type, time, timed, arrived, event.revision, event.voided, event.data)

    def _correct(self, identity: Identity, place: Place, before: Known, after: Known) -> None:
        replace(identity, after)
        meters = self.context.meters
        if not before.voided:
            self.totals.take_back(place, before.time, shares(meters.get(before.type, []), before.data))
        found = [] if after.voided else shares(meters.get(after.type, []), after.data)
        self.totals.add(place, after.time, found)


_identity = attrgetter("identity")


@cache
def _storing(counted: bool) -> str:
    return statement("store_events").replace("--counted\n", statement("count_sent") if counted else "")


def _split(placed: list[Placed], purged: dict[Identity, Purged]) -> tuple[list[Placed], list[Placed]]:
    """The first event of each identity, if it has a place and was not purged; and the others."""
    fresh, others = dict[Identity, Placed](), []
    for each in placed:
        if each.reason is None and each.identity not in fresh and each.identity not in purged:
            fresh[each.identity] = each
        else:
            others.append(each)
    return list(fresh.values()), others


def _may_replace(queue: list[Placed], known: Known) -> bool:
    return any(each.event.revision > known.revision for each in queue)


class Row(msgspec.Struct, omit_defaults=True, gc=False):
    """An event as sql/insert_events.sql reads it; what is left out is what most events of a batch share."""

    a: int
    i: str
    t: datetime
    n: int
    d: dict[str, Any]
    s: str | None = None
    y: str | None = None
    r: int = 0
    g: bool = True
    v: bool = False


def _row(each: Placed, source: str, type_: str) -> Row:
    event = each.event
    return Row(
        each.place.account_id,
        event.id,
        each.time,
        event.index,
        event.data,
        None if event.source == source else event.source,
        None if event.type == type_ else event.type,
        event.revision,
        event.time is not None,
        event.voided,
    )


def _keep_zones(places: dict[int, Place]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO usage_rollupzone (account_id, timezone)
               SELECT * FROM unnest(%s::bigint[], %s::text[]) ON CONFLICT DO NOTHING""",
            [sorted(places), [places[id_].zone for id_ in sorted(places)]],
        )
