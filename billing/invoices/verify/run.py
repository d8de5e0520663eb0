"""The run over everything that was issued, step by step, so that a long one can show how far it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.db.models import Count

from accounts.reading import one_reading
from accounts.scope import installation_scope
from billing.invoices.drafts.late import invoiced_lines
from billing.invoices.evidence import was_corrected
from billing.invoices.models import Invoice
from billing.invoices.verify import coupons, ledger, notes, prices, sums
from billing.invoices.verify.raw import rated_from_events
from billing.invoices.verify.rows import (
    changed_pdfs,
    document_standings,
    documents,
    entries,
    paid_periods,
    payments,
    transactions,
    waited,
)
from billing.limits.queries import cut_periods, limit_versions
from billing.plans.models import Period
from billing.plans.queries import phases, redemptions_of
from billing.usage.retention import is_purged, purged_spans

DOCUMENTS: Final = 100
"""Documents that are checked together."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`where` names the document; `what` says both figures."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of the work: what holds for all (no accounts), or some accounts with their documents (`only`: of that
    document alone).
    """

    account_ids: tuple[int, ...]
    documents: int
    only: Invoice | None = None


def steps(only: Invoice | None = None) -> list[Step]:
    """What there is to check, in order; `only` narrows it to one document and the series that it is in."""
    if only is not None:
        return [Step((), 0, only), Step((only.account_id,), 1, only)]
    with installation_scope():
        counted = Invoice.objects.order_by("account_id").values_list("account_id").annotate(n=Count("pk"))
        return [Step((), 0), *_chunks(counted)]


def _chunks(counted: Iterable[tuple[int, int]]) -> Iterator[Step]:
    """Accounts with about `DOCUMENTS` together, or one that has more: memory does not grow with their number."""
    accounts, documents = list[int](), 0
    for account_id, count in counted:
        if accounts and documents + count > DOCUMENTS:
            yield Step(tuple(accounts), documents)
            accounts, documents = [], 0
        accounts.append(account_id)
        documents += count
    if accounts:
        yield Step(tuple(accounts), documents)


def verify(step: Step) -> list[Difference]:
    """What differs in one step; its accounts are read in one transaction."""
    with installation_scope(), one_reading():
        if not step.account_ids:
            found = [
                *sums.trigger_differences(),
                *sums.number_differences(step.only.series if step.only else None),
            ]
            return _told(found)
        _read_ahead(step)
        return _told(each for account_id in step.account_ids for each in _of_account(account_id, step.only))


def unpriceable(step: Step) -> int:
    """How many periods of the step cannot be priced again: their raw events are past their term."""
    with installation_scope(), one_reading():
        for question in (purged_spans, paid_periods):
            question.ahead(step.account_ids)
        periods = [each for account_id in step.account_ids for each in _periods(account_id, step.only)]
        return sum(is_purged(period.account_id, period.start, period.end) for period in periods)


def _read_ahead(step: Step) -> None:
    """What the accounts of a step are checked by, each in one statement; what a few of them need is read for each."""
    of_account = (
        *(documents, document_standings, changed_pdfs, paid_periods, waited, transactions, entries, payments),
        *(purged_spans, limit_versions, cut_periods, redemptions_of, was_corrected),
    )
    for question in of_account:
        question.ahead(step.account_ids)
    every = (each for account_id in step.account_ids for each in _periods(account_id, step.only))
    periods = [each for each in every if not is_purged(each.account_id, each.start, each.end)]
    phases.ahead(period.subscription_id for period in periods)
    invoiced_lines.ahead(periods)
    rated_from_events.ahead((period, at) for period in periods for at, _invoice in prices.priced_at(period))


def _of_account(account_id: int, only: Invoice | None) -> Iterator[prices.Found]:
    for invoice in sorted(documents(account_id), key=lambda each: (each.issued_at, each.sequence)):
        if only is None or invoice.pk == only.pk:
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


def _periods(account_id: int, only: Invoice | None) -> list[Period]:
    every = paid_periods(account_id)
    if only is None:
        return every
    named = {line.period_id for line in only.lines.all()}
    return [period for period in every if period.pk in named]


def _of(only: Invoice | None, found: Iterable[prices.Found]) -> Iterator[prices.Found]:
    return (each for each in found if only is None or each[0] == only.number)


def _told(found: Iterable[prices.Found]) -> list[Difference]:
    return [Difference(where, what) for where, what in found]
