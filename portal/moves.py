"""Moving the subscribers of a plan, or of one version of it: who would pay how much more, and moving each of them.

Each account is looked at, and moved, in a transaction of its own: so a run that is broken off goes on where it was, and
one that is repeated moves nobody twice. What a customer has chosen for its period's end is never replaced.
Staff reads the sentences, in English.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.plans.actions import Actor, Preview, preview_change
from billing.plans.errors import PlanError, QuoteChanged, SameVersion
from billing.plans.models import Period, Plan, PlanVersion, Subscription
from billing.plans.queries import latest_version, version_at
from billing.plans.queries.periods import day_in, lock_subscription
from billing.pricing.money import ZERO
from billing.usage.simulation import simulate_all
from portal import acts

PAGE: Final = 100

type MoveWhen = Literal["now", "period_end"]


class CannotMove(Exception):  # noqa: N818  (a state, not a fault)
    """Why an account stays where it is; `done`: because it has been moved, or will be."""

    def __init__(self, sentence: str, *, done: bool = False) -> None:
        super().__init__(sentence)
        self.sentence, self.done = sentence, done


@dataclass(frozen=True, slots=True)
class Move:
    """From any of `source` to `target`, which is its plan's newest version."""

    source: tuple[PlanVersion, ...]
    target: PlanVersion
    when: MoveWhen


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the account's usage of [start, end) comes to on either version, base price included, before tax and limits.

    The last whole period; the running one up to now where there is none.
    """

    start: datetime
    end: datetime
    first_day: date
    last_day: date
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Candidate:
    """A subscriber of the source: `preview` shows the move; without one `refusal` says why it stays."""

    subscription: Subscription
    before: PlanVersion
    after: PlanVersion
    preview: Preview | None = None
    compared: Comparison | None = None
    refusal: str = ""
    done: bool = False

    @property
    def account(self) -> Account:
        return self.subscription.account

    @property
    def base_difference(self) -> Decimal:
        """Of the base price of a whole period."""
        return self.after.base_price - self.before.base_price

    @property
    def prorated(self) -> Decimal:
        """What the move itself adds to the next invoice, before tax."""
        return sum((line.amount for line in self.preview.lines), ZERO) if self.preview else ZERO


@dataclass(frozen=True, slots=True)
class Outcome:
    """`moved` is what the move came to; else `left` says why not, with the new figures if it may be tried again."""

    subscription: Subscription
    moved: Preview | None = None
    left: Candidate | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """Of the accounts that can be moved, in one currency."""

    currency: str
    accounts: int
    base_difference: Decimal
    prorated: Decimal
    before: Decimal
    after: Decimal

    @property
    def difference(self) -> Decimal:
        return self.after - self.before


def find_move(source: str, target: str, when: MoveWhen) -> Move:
    """`source` is a plan's code, or code@number for one version of it; `target` a plan's code.

    Raises LookupError with a sentence if there is no such thing, or nothing to be moved to.
    """
    code, _at, number = source.partition("@")
    versions = PlanVersion.objects.filter(plan__code=code).exclude(published_at=None).select_related("plan")
    if number:
        versions = versions.filter(number=int(number) if number.isascii() and number.isdigit() else -1)
    found = Plan.objects.filter(code=target).first()
    newest = latest_version(found) if found else None
    if newest is None or newest.plan.archived:
        raise LookupError(f"{target} is not for sale: nobody can be moved to it.")
    if not versions:
        raise LookupError(f"There is no published {source} to move from.")
    return Move(tuple(version for version in versions if version.pk != newest.pk), newest, when)


def subscribers(move: Move, after: str = "") -> QuerySet[Subscription]:
    """Who is on the source, by account code, from the code `after` on. Read it in the installation's scope."""
    on_it = Subscription.objects.filter(
        canceled_at=None, phases__end=None, phases__version__in=move.source, account__code__gt=after
    )
    return on_it.select_related("account", "scheduled_change__version__plan").order_by("account__code")


def candidates(move: Move, after: str = "", limit: int | None = None) -> Iterator[Candidate]:
    """Each subscriber with what the move comes to; `limit` at most. Opens its own transactions, and stores nothing."""
    left = limit
    while left is None or left > 0:
        with installation_scope():
            found = list(subscribers(move, after)[: min(PAGE, left or PAGE)])
        for subscription in found:
            yield _judged(move, subscription)
        if len(found) < PAGE:
            return
        after = found[-1].account.code
        left = None if left is None else left - len(found)


def move_one(
    move: Move, subscription: Subscription, quote: str | None, record: Callable[[Preview], object]
) -> Outcome:
    """Move one subscriber exactly as `quote` says, and `record` it in the same transaction; or say why not."""
    try:
        with account_scope(subscription.account_id):
            locked = lock_subscription(subscription)
            _may_move(move, locked)
            preview = acts.change_plan(
                locked, move.target.plan, move.when, actor=Actor.INSTALLATION, quote=quote
            )
            record(preview)
            return Outcome(subscription, moved=preview)
    except (PlanError, CannotMove) as error:
        changed = error.sentence if isinstance(error, QuoteChanged) else ""
    with account_scope(subscription.account_id):
        rows = Subscription.objects.select_related("account", "scheduled_change__version__plan")
        again = rows.get(pk=subscription.pk)
    return Outcome(again, left=_judged(move, again, changed))


def totals(found: Iterable[Candidate]) -> list[Total]:
    """Currency by currency."""
    by_currency: dict[str, list[Candidate]] = {}
    for one in found:
        if one.preview is not None:
            by_currency.setdefault(one.after.currency, []).append(one)
    return [_total(currency, own) for currency, own in sorted(by_currency.items())]


def _total(currency: str, own: list[Candidate]) -> Total:
    compared = [one.compared for one in own if one.compared is not None]
    return Total(
        currency=currency,
        accounts=len(own),
        base_difference=sum((one.base_difference for one in own), ZERO),
        prorated=sum((one.prorated for one in own), ZERO),
        before=sum((one.before for one in compared), ZERO),
        after=sum((one.after for one in compared), ZERO),
    )


def _judged(move: Move, subscription: Subscription, refusal: str = "") -> Candidate:
    """What the move of a subscriber comes to, worked out in a transaction of its own."""
    with account_scope(subscription.account_id):
        before = version_at(subscription, timezone.now())
        try:
            _may_move(move, subscription)
            preview = preview_change(subscription, move.target.plan, move.when, actor=Actor.INSTALLATION)
        except (PlanError, CannotMove) as error:
            done = isinstance(error, SameVersion) or getattr(error, "done", False)
            return Candidate(subscription, before, move.target, refusal=error.sentence, done=done)
        compared = _compared(subscription, before, move.target)
        return Candidate(subscription, before, move.target, preview, compared, refusal)


def _may_move(move: Move, subscription: Subscription) -> None:
    """What a customer has chosen stays; another interval is each customer's own decision. Raises `CannotMove`."""
    change = getattr(subscription, "scheduled_change", None)
    version = version_at(subscription, timezone.now())
    if version.pk == move.target.pk:
        raise CannotMove(f"It is on {move.target} already.", done=True)
    if version not in move.source:
        raise CannotMove(f"It is on {version} now.")
    if change is not None:
        if change.version is None:
            raise CannotMove(f"It is cancelled and ends on {change.at:%Y-%m-%d}.")
        done = change.version_id == move.target.pk
        raise CannotMove(f"A change to {change.version} is scheduled for {change.at:%Y-%m-%d}.", done=done)
    if version.interval != move.target.interval:
        raise CannotMove(
            f"It is billed by the {version.interval}, the other plan by the {move.target.interval}."
        )


def _compared(subscription: Subscription, before: PlanVersion, after: PlanVersion) -> Comparison | None:
    now = timezone.now()
    begun = Period.objects.filter(subscription=subscription, trial=False, start__lt=now).order_by("-number")
    recent = [one for one in begun[:4] if one.end > one.start]
    whole = next((one for one in recent if one.end <= now and one.days == one.full_days), None)
    period = whole or next(iter(recent), None)
    if period is None:
        return None
    start, end = period.start, min(period.end, now)
    costs = [one.total for one in simulate_all(subscription.account, [before, after], start, end)]
    last_day = period.last_day if end == period.end else day_in(period, end)
    return Comparison(start, end, period.first_day, last_day, costs[0], costs[1])
