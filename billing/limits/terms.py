"""What a limit says, read from a form or from JSON: amount, action, thresholds, each checked.

Everything from outside passes here, so what is stored is sound.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from billing.limits.errors import LimitError
from billing.limits.models import LimitVersion
from billing.pricing.money import minor_units, plain
from billing.pricing.reading.numbers import number

MAX_AMOUNT: Final = Decimal(10) ** 15
MAX_THRESHOLDS: Final = 10
MAX_PERCENT: Final = 1000
THRESHOLDS: Final = (50, 80, 100)


@dataclass(frozen=True, slots=True)
class Terms:
    """`amount` in the account's currency, None for no limit; `thresholds` in whole percents of it, rising.

    `pace`: also tell when the pace leads to the limit.
    """

    amount: Decimal | None
    action: LimitVersion.Action
    thresholds: tuple[int, ...]
    pace: bool = True


def read_terms(
    amount: object, action: object, thresholds: object, currency: str, *, pace: bool = True
) -> Terms:
    """The terms in their stored form. Raises `LimitError` for the first one that cannot be."""
    return Terms(read_amount(amount, currency), read_action(action), read_thresholds(thresholds), pace)


def read_amount(value: object, currency: str) -> Decimal | None:
    """A decimal string, an int or a Decimal of 0 or more, no finer than the currency; None stays None."""
    if value is None:
        return None
    try:
        amount = number(value)
    except ValueError:
        raise LimitError(
            "invalid",
            "amount",
            _('Write an amount as a decimal number, such as "500.00", or null for no limit.'),
        ) from None
    if amount < 0:
        raise LimitError("negative", "amount", _("A limit cannot be negative. Write 0 or more."))
    if amount >= MAX_AMOUNT:
        raise LimitError("too_large", "amount", _("Write an amount below %s.") % f"{MAX_AMOUNT:,.0f}")
    digits = minor_units(currency)
    if len(plain(amount).partition(".")[2]) > digits:
        raise LimitError(
            "too_fine",
            "amount",
            _("%(currency)s has %(digits)s digits after the point. Round the amount to them.")
            % {"currency": currency, "digits": digits},
        )
    return amount


def read_action(value: object) -> LimitVersion.Action:
    """`notify` or `stop`."""
    if value not in LimitVersion.Action.values:
        raise LimitError("invalid", "action", _('Choose "notify" (tell me) or "stop".'))
    return LimitVersion.Action(str(value))


def read_thresholds(value: object) -> tuple[int, ...]:
    """Whole percents from 1 to 1000, sorted, each once, at most ten; none means no alert."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise LimitError("invalid", "thresholds", _("Write a list of whole percents, such as [50, 80, 100]."))
    found = [_percent(item) for item in value]
    if len(found) > MAX_THRESHOLDS:
        raise LimitError("too_many", "thresholds", _("Give at most %s thresholds.") % MAX_THRESHOLDS)
    if len(set(found)) < len(found):
        raise LimitError("duplicate", "thresholds", _("Give each threshold once."))
    return tuple(sorted(found))


def _percent(value: object) -> int:
    if isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) <= MAX_PERCENT:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_PERCENT:
        raise LimitError(
            "invalid",
            "thresholds",
            _("A threshold is a whole percent from 1 to %s, such as 80.") % MAX_PERCENT,
        )
    return value
