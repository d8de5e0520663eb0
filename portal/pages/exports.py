"""The exports page: which file is for what, and the years and months that there is something of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Min
from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import Account
from billing.invoices.exports.espi import supplies
from billing.invoices.models import Invoice
from billing.plans.models import Period
from billing.pricing.dates import add_intervals, local_date
from portal import dates

MOST_MONTHS = 36


@dataclass(frozen=True, slots=True)
class Choice:
    """A year or month to choose: as the address has it, and as people read it."""

    value: str
    name: str


@dataclass(frozen=True, slots=True)
class Export:
    """A file: `by` is the parameter that `choices` are of."""

    code: str
    name: str
    what: str
    url: str
    by: str
    choices: Sequence[Choice]


@dataclass(frozen=True, slots=True)
class ExportsPage:
    documents: Sequence[Export]
    usage: Sequence[Export]
    any_document: bool


def exports_page(account: Account, at: datetime) -> ExportsPage:
    """Years of documents, months of usage, newest first."""
    years = _years(account, at)
    months = [Choice(f"{each:%Y-%m}", dates.month(each)) for each in _months(account, at)]
    documents = (
        ("invoices_zip", gettext("All invoices"), gettext("Every PDF and electronic invoice, in one ZIP.")),
        (
            "accounting_csv",
            gettext("Bookkeeping"),
            gettext("For your accountant: sales by tax rate, credit and payments, as CSV."),
        ),
        (
            "focus_csv",
            gettext("FOCUS 1.2"),
            gettext("For FinOps tools: what was billed, price by price, as CSV."),
        ),
    )
    usage = [("usage_export", gettext("Usage"), gettext("Quantities by meter and day, as CSV."))]
    if supplies():
        what = gettext("Energy, gas and water by the hour, with what each hour cost, as ESPI.")
        usage.append(("greenbutton", gettext("Green Button format"), what))
    return ExportsPage(
        documents=[_export(*one, "year", years) for one in documents],
        usage=[_export(*one, "month", months) for one in usage],
        any_document=Invoice.objects.filter(account=account).exists(),
    )


def _export(code: str, name: str, what: str, by: str, choices: Sequence[Choice]) -> Export:
    return Export(code, name, what, reverse(f"portal:{code}"), by, choices)


def _years(account: Account, at: datetime) -> list[Choice]:
    first = Invoice.objects.filter(account=account).aggregate(at=Min("issued_at"))["at"] or at
    years = range(local_date(first, account.timezone).year, local_date(at, account.timezone).year + 1)
    return [Choice(str(year), str(year)) for year in reversed(years)]


def _months(account: Account, at: datetime) -> list[date]:
    """Calendar months of the account's zone since its first period, as many as are offered."""
    first = Period.objects.filter(account=account, start__lte=at).aggregate(at=Min("start"))["at"] or at
    oldest = local_date(first, account.timezone).replace(day=1)
    newest = local_date(at, account.timezone).replace(day=1)
    months = [add_intervals(newest, "month", -back) for back in range(MOST_MONTHS)]
    return [month for month in months if month >= oldest]
