"""Taxes and coupons of the catalogue."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

from billing.pricing.catalog import TAX_CATEGORIES, CouponDef, TaxDef
from billing.pricing.money import ZERO
from billing.pricing.reading.fields import Fields, Problem
from billing.pricing.reading.numbers import money, percent, whole
from billing.pricing.reading.texts import choice, code, country, currency, day, flag, text

MAX_COUPON_PERIODS: Final = 1200

_TAX_KEYS: Final = frozenset({"code", "name", "rate", "country", "category", "valid_from", "valid_to"})
_COUPON_KEYS: Final = frozenset({"code", "percent", "amount", "currency", "periods", "archived"})
_PERCENT: Final = percent(Decimal(100), places=6)


def read_tax_def(data: object, path: str, problems: list[Problem]) -> TaxDef:
    """The tax at `path`. Faults are noted in `problems`.

    Only the category S has a rate above zero, and it must (EN 16931, BR-S-05, BR-Z-05, BR-E-05, BR-AE-05 …).
    """
    fields = Fields(data, path, problems, _TAX_KEYS)
    tax_code = fields.need("code", code, "")
    rate = fields.need("rate", _PERCENT, None, 'write the percentage, such as "20".')
    tax = TaxDef(
        code=tax_code,
        name=fields.get("name", text, tax_code),
        rate=rate or ZERO,
        country=fields.need("country", country, "", "write two capital letters (ISO 3166-1), such as FR."),
        category=fields.need(
            "category", choice(TAX_CATEGORIES), "S", f"write one of {', '.join(TAX_CATEGORIES)}."
        ),
        valid_from=fields.get("valid_from", day, None),
        valid_to=fields.get("valid_to", day, None),
    )
    has_category = fields.data.get("category") == tax.category
    if rate is not None and has_category and (tax.category == "S") != (rate > 0):
        advice = "must be more than 0" if tax.category == "S" else "must be 0"
        fields.fault("rate", f"{advice} in category {tax.category}: change the rate or the category.")
    if tax.valid_from and tax.valid_to and tax.valid_from >= tax.valid_to:
        fields.fault(
            "valid_to", f"must be after valid_from ({tax.valid_from}): it is the first day not taxed."
        )
    return tax


def check_tax_history(
    read: Sequence[tuple[str, TaxDef]], known: Iterable[TaxDef], problems: list[Problem]
) -> None:
    """Note where two entries of a tax begin on one day, or one goes on after the next begins, by its own `valid_to`.

    `known` are stored already; one of `read` (path, entry) with the same code and first day takes its place. Entries
    that have faults of their own are left out.
    """
    faulty = {problem.path.partition(".")[0] for problem in problems}
    entries = {_first_day(tax): ("", tax) for tax in known}
    for path, tax in read:
        if path in faulty:
            continue
        first, _ = entries.get(_first_day(tax), ("", tax))
        if first:
            problems.append(_same_day(path, first, tax))
        else:
            entries[_first_day(tax)] = path, tax
    for (path, tax), (next_path, after) in pairwise(entry for _, entry in sorted(entries.items())):
        ends_late = tax.code == after.code and tax.valid_to and tax.valid_to > (after.valid_from or date.min)
        if ends_late and (path or next_path):
            problems.append(_overlap(path, next_path, tax, after))


def _first_day(tax: TaxDef) -> tuple[str, date]:
    return tax.code, tax.valid_from or date.min


def _same_day(path: str, first: str, tax: TaxDef) -> Problem:
    if tax.valid_from is None:
        advice = "give each its own, or the later one the valid_from on which it follows"
        return Problem(f"{path}.code", f"{tax.code} is the code of {first} too: {advice}.")
    return Problem(f"{path}.valid_from", f"{tax.code} begins on that day in {first} too: remove one.")


def _overlap(path: str, next_path: str, tax: TaxDef, after: TaxDef) -> Problem:
    if path:
        advice = "end this one by then, or leave valid_to out"
        return Problem(
            f"{path}.valid_to",
            f"must not be after {after.valid_from}, when {tax.code} begins anew: {advice}.",
        )
    advice = "begin then, or write that entry too, with an earlier valid_to"
    return Problem(
        f"{next_path}.valid_from",
        f"must not be before {tax.valid_to}, the end of the stored entry of {tax.code}: {advice}.",
    )


def read_coupon(data: object, path: str, problems: list[Problem]) -> CouponDef:
    """The coupon at `path`: a percentage, or an amount in a currency. Faults are noted in `problems`."""
    fields = Fields(data, path, problems, _COUPON_KEYS)
    money_of = fields.get("currency", currency, "")
    coupon = CouponDef(
        code=fields.need("code", code, ""),
        percent=fields.get("percent", _PERCENT, None),
        amount=fields.get("amount", money(money_of), None),
        currency=money_of or None,
        periods=fields.get("periods", whole(1, MAX_COUPON_PERIODS), None),
        archived=fields.get("archived", flag, False),
    )
    if fields.has("percent") == fields.has("amount"):
        fields.fault(
            "percent", "a coupon takes off either percent, or amount with currency: write one of them."
        )
    elif fields.has("amount") != fields.has("currency"):
        fields.fault("currency", "goes with amount, and only with it: write both or neither.")
    for key, value in (("percent", coupon.percent), ("amount", coupon.amount)):
        if value == 0:
            fields.fault(key, "must be more than 0.")
    return coupon
