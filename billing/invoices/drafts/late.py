"""Late usage: what arrived for a period after it was invoiced (contract, section 4).

The period is priced again as a whole, limits and waivers included, and what it comes to now less what was invoiced for
it so far is a line of the next invoice: for each charge, for each minimum, and for what the limits waive.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import cast

from django.conf import settings
from django.db.models import Max, OuterRef, Subquery
from django.utils.translation import gettext as _

from accounts.reading import grouped, many
from billing.invoices.drafts.lines import CATEGORY_FOUND, DraftLine, Taxes
from billing.invoices.drafts.plan import minimum_spend_lines
from billing.invoices.drafts.taken_back import tax_found
from billing.invoices.drafts.usage import usage_lines
from billing.invoices.models import Invoice, InvoiceLine
from billing.plans.lines import by_language
from billing.plans.models import Period
from billing.pricing.charges import UNDETERMINED, localized
from billing.pricing.lines import Line, LineKind
from billing.pricing.money import ZERO, round_money
from billing.proof.documents import USED
from billing.proof.sums import Key, Sum, key_of
from billing.usage.rating import RatedPeriod, rate_period
from billing.usage.retention import is_purged


def late_lines(period: Period, taxes: Taxes) -> list[DraftLine]:
    """A `late_usage` line for each amount of an invoiced period that is not what it was, before `period` is closed."""
    return [line for late in candidates(period) for line in _differences(late, taxes)]


def candidates(period: Period) -> list[Period]:
    """Invoiced periods for which usage may have been accepted since the account was last billed."""
    # An account that comes back after years: what its last period was priced by may be gone.
    return [
        row
        for row in lately_closed(period.account_id)
        if row.pk != period.pk and not is_purged(period.account_id, row.start, row.end)
    ]


@many
def lately_closed(account_ids: Sequence[int]) -> dict[int, list[Period]]:
    """The invoiced periods of an account that usage could still come late for when it was last billed."""
    closed = Period.objects.filter(closed_at__isnull=False, trial=False)
    last = closed.filter(account=OuterRef("account")).order_by().values("account").values(at=Max("closed_at"))
    rows = closed.filter(account__in=account_ids, end__gt=Subquery(last) - timedelta(days=settings.LATE_DAYS))
    rows = rows.select_related("subscription__account", "account", "base_version__plan")
    in_order = rows.defer("base_version__terms").order_by("start")
    return grouped(account_ids, in_order, lambda period: period.account_id)


def _differences(period: Period, taxes: Taxes) -> Iterator[DraftLine]:
    invoiced = invoiced_lines(period)
    now = lines_of_use(rate_period(period), TaxesAsInvoiced(period, invoiced))
    before, after = sums_invoiced(invoiced), sums_drafted(now)
    drafted = {key_of_draft(each): each for each in now}
    stored = {key_of_row(row): row for row in reversed(invoiced)}
    for key in dict.fromkeys([*after, *before]):
        change = after.get(key, Sum()).minus(before.get(key, Sum()))
        if change.amount:
            like = drafted.get(key) or _as_draft(stored[key], period)
            yield _late_line(like, change, period)


def lines_of_use(rated: RatedPeriod, taxes: Taxes) -> list[DraftLine]:
    """All that the usage of a whole period comes to: usage, minimums, waivers and the minimum spend."""
    used = usage_lines(rated, taxes)
    return [*used, *minimum_spend_lines(rated.period, used, taxes)]


def _as_draft(row: InvoiceLine, period: Period) -> DraftLine:
    """An invoiced line as one that may be corrected."""
    line = Line(
        kind=cast(LineKind, row.detail.get("corrects", row.kind)),
        charge=row.charge or None,
        meter=row.meter or None,
        name={UNDETERMINED: row.description},
        unit={UNDETERMINED: row.unit} if row.unit else {},
        start=row.start,
        end=row.end,
        quantity=row.quantity or ZERO,
        amount=row.amount,
        exact_amount=row.exact_amount,
        plan=row.version.plan.code if row.version else "",
        version=row.version.number if row.version else 0,
        tax=row.detail.get("tax_asked"),
    )
    detail = {name: value for name, value in row.detail.items() if name != CATEGORY_FOUND}
    return DraftLine(line=line, tax=tax_found(row), period=period, version=row.version, detail=detail)


def _late_line(like: DraftLine, change: Sum, period: Period) -> DraftLine:
    name = like.line.name
    line = Line(
        kind="late_usage",
        charge=like.line.charge,
        meter=like.line.meter,
        name=by_language(lambda language: _("%(line)s, arrived late") % {"line": localized(name, language)}),
        unit=like.line.unit,
        start=period.start,
        end=period.end,
        quantity=change.quantity,
        amount=round_money(change.amount, period.account.currency),
        exact_amount=change.exact_amount,
        plan=like.line.plan,
        version=like.line.version,
        tax=like.line.tax,
    )
    detail = {**like.detail, "corrects": like.line.kind}
    return DraftLine(line=line, tax=like.tax, period=period, version=like.version, detail=detail)


class TaxesAsInvoiced(Taxes):
    """Taxes as a period's lines bear them already; a line that takes one back keeps its tax (contract, section 5)."""

    def __init__(self, period: Period, invoiced: Iterable[InvoiceLine]) -> None:
        super().__init__(period.account, max(period.first_day, period.last_day))
        for row in invoiced:
            if row.kind != "limit_waiver":
                self._known.setdefault(row.detail.get("tax_asked"), tax_found(row))


@many
def invoiced_lines(periods: Sequence[Period]) -> dict[Period, list[InvoiceLine]]:
    """What was invoiced for the usage of a period so far; amounts are what the customer owes by them."""
    rows = InvoiceLine.objects.filter(period__in=periods, kind__in=(*USED, "late_usage"))
    rows = rows.select_related("invoice", "version__plan").defer("invoice__snapshot", "version__terms")
    in_order = rows.order_by("invoice__issued_at", "position")
    by_id: dict[int | None, Period] = {period.pk: period for period in periods}
    return grouped(periods, in_order, lambda row: by_id[row.period_id])


def owed_sign(row: InvoiceLine) -> int:
    """A credit note's lines are what is given back."""
    return -1 if row.invoice.kind == Invoice.Kind.CREDIT_NOTE else 1


def sums_invoiced(rows: Iterable[InvoiceLine]) -> dict[Key, Sum]:
    sums: dict[Key, Sum] = {}
    for row in rows:
        sign, key = owed_sign(row), key_of_row(row)
        sums[key] = sums.get(key, Sum()).plus(
            sign * row.amount, sign * row.exact_amount, sign * (row.quantity or ZERO)
        )
    return sums


def sums_drafted(lines: Iterable[DraftLine]) -> dict[Key, Sum]:
    sums: dict[Key, Sum] = {}
    for each in lines:
        key, line = key_of_draft(each), each.line
        sums[key] = sums.get(key, Sum()).plus(line.amount, line.exact_amount, line.quantity)
    return sums


def key_of_row(row: InvoiceLine) -> Key:
    plan, number = (row.version.plan.code, row.version.number) if row.version else ("", 0)
    kind = row.detail.get("corrects", row.kind)
    return key_of(
        kind, row.charge, row.meter, (plan, number), category=tax_found(row).category, rate=row.tax_rate
    )


def key_of_draft(each: DraftLine) -> Key:
    line, tax = each.line, each.tax_found
    return key_of(
        line.kind, line.charge, line.meter, (line.plan, line.version), category=tax.category, rate=tax.rate
    )
