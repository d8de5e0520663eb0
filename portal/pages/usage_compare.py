"""The explorer's figures beside those of the days before."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from billing.pricing.money import ZERO
from portal import formats

if TYPE_CHECKING:
    from portal.pages.usage import BucketRow, GroupRow, UsagePage


@dataclass(frozen=True, slots=True)
class Beside:
    """A figure of the days before, and by how much today's is above it."""

    before: Decimal
    difference: Decimal
    label: str = ""


@dataclass(frozen=True, slots=True)
class UsageComparison:
    """`rows` are as the page's rows, by their place in the range; `groups` as its groups, then those that only the days
    before had. Their differences sum to the total's: `left` is what rows beyond the range's length had before.
    """

    span: str
    words: str
    rows: Sequence[Beside]
    groups: Sequence[Beside]
    gone: Sequence[tuple[str, Decimal]]
    total: Beside
    left: Decimal


def compared(now: "UsagePage", before: "UsagePage") -> UsageComparison:
    total = Beside(before.total, now.total - before.total)
    rows = _rows(now.rows, before.rows)
    named = {(one.code, one.name): one.total for one in before.groups}
    groups = [_group(one, named) for one in now.groups]
    gone = [(name, amount) for (_code, name), amount in named.items() if amount]
    left = sum((row.total for row in before.rows[len(now.rows) :]), ZERO)
    return UsageComparison(before.span, _words(now, before, total), rows, groups, gone, total, left)


def _rows(now: Sequence["BucketRow"], before: Sequence["BucketRow"]) -> list[Beside]:
    found = list[Beside]()
    for row, earlier in zip_longest(now, before[: len(now)]):
        amount = earlier.total if earlier else ZERO
        found.append(Beside(amount, row.total - amount, earlier.label if earlier else ""))
    return found


def _group(one: "GroupRow", named: dict[tuple[str, str], Decimal]) -> Beside:
    amount = named.pop((one.code, one.name), ZERO)
    return Beside(amount, one.total - amount)


def _words(now: "UsagePage", before: "UsagePage", total: Beside) -> str:
    """ "€12.30 more than 1–30 Oct 2026, +14 %."."""
    if not total.difference:
        return gettext("As much as %(span)s.") % {"span": before.span}
    more = gettext("%(amount)s more than %(span)s, %(change)s.")
    less = gettext("%(amount)s less than %(span)s, %(change)s.")
    words = more if total.difference > 0 else less
    return words % {
        "amount": amount_words(now, abs(total.difference)),
        "span": before.span,
        "change": formats.percent_change(now.total, before.total),
    }


def amount_words(page: "UsagePage", amount: Decimal) -> str:
    if page.money:
        return formats.money(amount, page.currency)
    return f"{formats.quantity(amount)} {page.unit}"
