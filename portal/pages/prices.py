"""A charge's price in words: what stands under its name in tables."""

from decimal import Decimal

from django.utils.translation import gettext, pgettext

from billing.pricing.charges import Charge, Tier
from portal import formats
from portal.formats import SMALL_PRICE


def charge_name(charge: Charge, siblings: int = 1) -> str:
    """The meter's name, with what the charge filters on where the meter has several charges."""
    name = formats.text_of(charge.name)
    if siblings < 2 or not charge.where:
        return name
    return f"{name} · {', '.join(value for values in charge.where.values() for value in values)}"


def included(charge: Charge) -> Decimal | None:
    """Units free of charge in each period; None if there are none."""
    if charge.included:
        return charge.included
    first = charge.tiers[0] if charge.tiers and charge.model == "graduated" else None
    free = first and first.up_to is not None and not (first.unit_price or first.flat_price or first.rate)
    return first.up_to if first and free else None


def price_words(charge: Charge, currency: str) -> str:
    """ "€2.50 per million tokens", "€0.90 per 60 minutes", "€10.00, then €8.00 per million tokens"."""
    unit = formats.text_of(charge.unit)
    match charge.model:
        case "per_unit":
            return formats.price_per(charge.unit_price, currency, unit)
        case "package":
            return _package(charge, currency, unit)
        case "graduated":
            return _steps(
                [tier for tier in charge.tiers if _price_of(tier)],
                currency,
                unit,
                pgettext("tiers", ", then "),
            )
        case "volume":
            return _steps(list(charge.tiers), currency, unit, pgettext("volume prices", " or "))
        case "percentage":
            return _percentage(charge, currency)
        case _:
            rates = [formats.percent(tier.rate / 100, 4) for tier in charge.tiers]
            return pgettext("tiers", ", then ").join(rates)


def _package(charge: Charge, currency: str, unit: str) -> str:
    return gettext("%(price)s per %(size)s %(unit)s") % {
        "price": formats.unit_price(charge.package_price, currency),
        "size": formats.number(charge.package_size),
        "unit": formats.plural(unit, charge.package_size),
    }


def _percentage(charge: Charge, currency: str) -> str:
    rate = formats.percent(charge.rate / 100, 4)
    if not charge.fixed_fee:
        return rate
    return gettext("%(rate)s plus %(fee)s each") % {
        "rate": rate,
        "fee": formats.unit_price(charge.fixed_fee, currency),
    }


def _price_of(tier: Tier) -> Decimal:
    return tier.unit_price or tier.flat_price


def _steps(tiers: list[Tier], currency: str, unit: str, joint: str) -> str:
    """The unit prices of tiers on one scale: per million if all of them are tiny."""
    if not tiers:
        return gettext("free")
    prices = [tier.unit_price for tier in tiers]
    if len(tiers) > 3:
        words = gettext("%(dearest)s to %(cheapest)s")
        dearest, cheapest = (_joined([one], currency, unit, "") for one in (max(prices), min(prices)))
        return words % {"dearest": dearest, "cheapest": cheapest}
    return _joined(prices, currency, unit, joint)


def _joined(prices: list[Decimal], currency: str, unit: str, joint: str) -> str:
    *first, last = prices
    tiny = all(price < SMALL_PRICE for price in prices) and any(prices)
    texts = [formats.unit_price(price.scaleb(6) if tiny else price, currency) for price in first]
    if tiny and not last:
        ending = gettext("%(price)s per million %(unit)s") % {
            "price": formats.unit_price(last, currency),
            "unit": formats.plural(unit, formats.MILLION),
        }
    elif tiny:
        ending = formats.price_per(last, currency, unit)
    else:
        ending = gettext("%(price)s per %(unit)s") % {
            "price": formats.unit_price(last, currency),
            "unit": unit,
        }
    return joint.join([*texts, ending])
