"""The run over everything that was issued, step by step, so that a long one can show how far it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from accounts.reading import one_reading
from accounts.scope import account_scope, installation_scope
from billing.invoices.models import Invoice
from billing.invoices.verify import coupons, ledger, notes, prices, sums
from billing.plans.models import Period
from billing.usage.retention import is_purged


@dataclass(frozen=True, slots=True)
class Difference:
    """`where` names the document; `what` says both figures."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of the work: what holds for all, or one account with its documents (`only`: of that document alone)."""

    account_id: int | None
    documents: int
    only: Invoice | None = None


def steps(only: Invoice | None = None) -> list[Step]:
    """What there is to check, in order; `only` narrows it to one document and the series that it is in."""
    with installation_scope():
        if only is not None:
            return [Step(None, 0, only), Step(only.account_id, 1, only)]
        counts: dict[int, int] = {}
        for account_id in Invoice.objects.order_by("account_id").values_list("account_id", flat=True):
            counts[account_id] = counts.get(account_id, 0) + 1
    return [Step(None, 0), *(Step(account_id, count) for account_id, count in counts.items())]


def verify(step: Step) -> list[Difference]:
    """What differs in one step; each account is read in one transaction of its own scope."""
    if step.account_id is None:
        with installation_scope():
            found = [
                *sums.trigger_differences(),
                *sums.number_differences(step.only.series if step.only else None),
            ]
            return _told(found)
    with account_scope(step.account_id), one_reading():
        return _told(_of_account(step.account_id, step.only))


def unpriceable(step: Step) -> int:
    """How many periods of the step cannot be priced again: their raw events are past their term."""
    if step.account_id is None:
        return 0
    with account_scope(step.account_id):
        periods = _periods(step.account_id, step.only)
        return sum(is_purged(step.account_id, period.start, period.end) for period in periods)


def _of_account(account_id: int, only: Invoice | None) -> Iterator[prices.Found]:
    invoices = Invoice.objects.filter(account=account_id).order_by("issued_at", "sequence")
    for invoice in invoices if only is None else invoices.filter(pk=only.pk):
        yield from sums.sum_differences(invoice)
    for period in _periods(account_id, only):
        if not is_purged(account_id, period.start, period.end):
            yield from prices.usage_differences(period)
        yield from prices.base_differences(period)
    yield from _of(only, notes.note_differences(account_id))
    yield from _of(only, sums.document_differences(account_id))
    yield from _of(only, prices.waiting_differences(account_id))
    yield from _of(only, coupons.coupon_differences(account_id))
    yield from _of(only, ledger.ledger_differences(account_id))


def _periods(account_id: int, only: Invoice | None) -> Iterable[Period]:
    rows = Period.objects.filter(account=account_id, trial=False).select_related(
        "account", "subscription__account", "base_version__plan"
    )
    if only is not None:
        rows = rows.filter(pk__in=only.lines.values("period"))
    return rows.order_by("start")


def _of(only: Invoice | None, found: Iterable[prices.Found]) -> Iterator[prices.Found]:
    return (each for each in found if only is None or each[0] == only.number)


def _told(found: Iterable[prices.Found]) -> list[Difference]:
    return [Difference(where, what) for where, what in found]
