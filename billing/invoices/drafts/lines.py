"""`DraftLine`: a line of an invoice that is not issued yet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from accounts.models import Account
from billing.plans.models import PendingLine, Period, PlanVersion
from billing.plans.queries import tax_for
from billing.pricing.lines import Line
from billing.pricing.money import ZERO, exact
from billing.pricing.taxes import Tax

type Data = dict[str, Any]

CATEGORY_FOUND: Final = "tax_category_found"
"""Where the detail of a line keeps the category that it would bear on a document of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLine:
    """A rounded line, the tax it bears, and what it belongs to.

    `period` is the service period that it pays for; `version` the plan version that priced it; `pending` the row
    that waited for this invoice. `detail` is what paper and electronic invoice say besides, as JSON.
    """

    line: Line
    tax: Tax
    period: Period | None
    version: PlanVersion | None
    pending: PendingLine | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tax_found(self) -> Tax:
        """The tax by the table, before `unmixed`."""
        return replace(self.tax, category=self.detail.get(CATEGORY_FOUND, self.tax.category))

    def as_data(self, place: int, locale: str) -> Data:
        """The line as the contract's section 8 shows it; a draft's lines are known by their place alone."""
        return {"id": f"draft-{place}", **self.line.as_data(locale)}


class Taxes:
    """The taxes of an account's lines on the day `on`, each code looked up once."""

    def __init__(self, account: Account, on: date) -> None:
        self.account, self.on = account, on
        self._known: dict[str | None, Tax] = {}

    def of(self, code: str | None) -> Tax:
        """The tax of a line whose charge or plan names `code`."""
        code = code or None
        if code not in self._known:
            self._known[code] = tax_for(self.account, code, None, self.on)
        return self._known[code]


def unmixed(lines: Sequence[DraftLine]) -> Sequence[DraftLine]:
    """The lines as one document may show them: what is outside the scope of VAT (O) stands beside other categories as
    exempt (E), also 0 %, its tax's name being the reason. EN 16931 forbids O there (BR-O-11 to BR-O-14).
    """
    if {each.tax.category for each in lines} <= {"O"} or all(each.tax.category != "O" for each in lines):
        return lines
    return [_exempt(each) if each.tax.category == "O" else each for each in lines]


def _exempt(each: DraftLine) -> DraftLine:
    detail = {**each.detail, CATEGORY_FOUND: each.tax.category}
    return replace(each, tax=replace(each.tax, category="E"), detail=detail)


@exact()
def amount_of(lines: Iterable[DraftLine]) -> Decimal:
    """The sum of the lines."""
    return sum((each.line.amount for each in lines), ZERO)
