"""A document recomputed from its events and compared, figure by figure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from billing.pricing.lines import Line
from billing.pricing.money import exact
from billing.proof.facts import LineFacts, Proof
from billing.proof.foot import Figure, foot_figures
from billing.proof.sums import Key, Sum
from billing.proof.tally import Event, PeriodTally
from billing.proof.use import Owed, Use, is_used, tallies_of


class State(StrEnum):
    """What is known of a line. `agreed`: somebody entered it; there is nothing that it follows from. `purged`,
    `corrected`: what its period was priced by is no longer kept.
    """

    EQUAL = "equal"
    DIFFERENT = "different"
    AGREED = "agreed"
    PURGED = "purged"
    CORRECTED = "corrected"


@dataclass(frozen=True, slots=True)
class Checked:
    """A line of the document, or one that it should have (`line` None). `should` is what it comes to by `owed`, its
    events, or by the terms of its plan; None: not recomputed. `first` names the figure that differs first.
    """

    state: State
    line: LineFacts | None
    should: Sum | None = None
    owed: Owed | None = None
    first: str = ""

    @property
    def stated(self) -> Decimal:
        return self.line.amount if self.line else Decimal(0)


@dataclass(frozen=True, slots=True)
class Check:
    """All of it. `events` is how many were read."""

    proof: Proof
    lines: tuple[Checked, ...]
    foot: tuple[Figure, ...]
    events: int

    @property
    def differences(self) -> int:
        lines = sum(each.state is State.DIFFERENT for each in self.lines)
        return lines + sum(not figure.equal for figure in self.foot)

    @property
    def unpriced(self) -> tuple[Checked, ...]:
        """Usage that could not be priced again."""
        return tuple(each for each in self.lines if each.state in (State.PURGED, State.CORRECTED))

    @property
    def holds(self) -> bool:
        """Whether every figure that follows from something was recomputed and is right."""
        return not self.differences and not self.unpriced


@exact()
def check(proof: Proof, events: Iterable[Event]) -> Check:
    """`events` are those of the proof in the order of time and arrival; they are read once, and none is kept."""
    tallies = tallies_of(proof)
    count = _tally(tallies, events)
    use = Use(proof, tallies)
    return Check(proof, tuple(_lines(proof, use)), tuple(foot_figures(proof)), count)


def _tally(tallies: dict[str, PeriodTally], events: Iterable[Event]) -> int:
    count = 0
    for event in events:
        count += 1
        for tally in tallies.values():
            tally.take(event)
    return count


def _lines(proof: Proof, use: Use) -> Iterator[Checked]:
    """The document's lines in order, then those that it should have."""
    found = dict(_used(proof, use))
    for line in proof.document.lines:
        yield found.pop(line.place) if line.place in found else _of_plan(line, use)
    yield from found.values()


def _used(proof: Proof, use: Use) -> Iterator[tuple[int, Checked]]:
    """By place; lines that are missing come after the document's."""
    missing = len(proof.document.lines)
    keys = dict.fromkeys([proof.closes, *(line.period for line in proof.document.lines if is_used(line))])
    for key in keys:
        if key is None:
            continue
        for one in _of_period(proof, use, key):
            missing += one.line is None
            yield (one.line.place if one.line else missing), one


def _of_period(proof: Proof, use: Use, key: str) -> Iterator[Checked]:
    lines = [line for line in proof.document.lines if is_used(line) and line.period == key]
    if not use.known(key):
        kept = proof.periods[key].events
        state = State.CORRECTED if kept == "corrected" else State.PURGED
        yield from (Checked(state, line) for line in lines)
    elif key == proof.closes:
        yield from _compared(lines, use.owed(key))
    else:
        yield from _compared(lines, _late(proof, use, key))


def _late(proof: Proof, use: Use, key: str) -> list[Owed]:
    """What the period comes to now less what was invoiced for it so far; one for each key that changed."""
    now, invoiced = dict[Key, Sum](), dict[Key, Sum]()
    owed = use.owed(key)
    for each in owed:
        now[each.key] = _plus(now.get(each.key), each.sum)
    for line in proof.earlier:
        if line.period == key:
            invoiced[line.key] = _plus(invoiced.get(line.key), line.sum)
    start = proof.periods[key].start
    due = {one: now.get(one, Sum()).minus(invoiced.get(one, Sum())) for one in {**now, **invoiced}}
    events = {one: sum(each.events for each in owed if each.key == one) for one in due}
    return [Owed(one, start, change, None, events[one]) for one, change in due.items() if change.amount]


def _plus(one: Sum | None, other: Sum) -> Sum:
    return (one or Sum()).plus(other.amount, other.exact_amount, other.quantity)


def _compared(lines: list[LineFacts], owed: list[Owed]) -> Iterator[Checked]:
    """Lines and what is owed, joined by what they charge and where they start, in order."""
    left: dict[tuple[Key, datetime], list[Owed]] = {}
    for each in owed:
        left.setdefault((each.key, each.start), []).append(each)
    for line in lines:
        same = left.get((line.key, line.start))
        found = same.pop(0) if same else None
        yield _beside(line, found.sum if found else Sum(), found)
    for each in (one for same in left.values() for one in same):
        yield Checked(State.DIFFERENT, None, each.sum, each, "amount")


def _of_plan(line: LineFacts, use: Use) -> Checked:
    """Days at a base price; what was only agreed is taken as written."""
    if line.days is None or line.kind == "adjustment":
        return Checked(State.AGREED, line)
    priced = use.price_of(line.days)
    return _beside(line, Sum(priced.amount, priced.exact_amount, Decimal(priced.days)), None)


def _beside(line: LineFacts, should: Sum, owed: Owed | None) -> Checked:
    first = _first_difference(line, should, owed.priced if owed else None)
    return Checked(State.DIFFERENT if first else State.EQUAL, line, should, owed, first)


def _first_difference(line: LineFacts, should: Sum, priced: Line | None) -> str:
    """The figure's name, "" if all are equal. The working is compared where it was not turned for a credit note."""
    for name in ("amount", "exact_amount", "quantity"):
        if getattr(line, name) != getattr(should, name):
            return name
    if priced is not None and line.sign > 0:
        data = priced.as_data("en")
        for name in ("tiers", "before"):
            if (data.get(name) or None) != (line.shown.get(name) or None):
                return name
    return ""
