"""`/billing/simulate/`: every simulation is a URL, and nothing is stored."""

import re
from typing import Final

from django.http import QueryDict
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from billing.limits.errors import LimitError
from billing.limits.terms import read_amount
from billing.pricing.money import minor_units
from portal import formats
from portal.pages.simulate import MONTHS, MOST, USE, Asked, simulate_page
from portal.views.base import PortalRequest, page, show
from portal.views.limits import typed_amount

_NUMBER: Final = re.compile(r"\d{1,4}", re.ASCII)
ACTIONS: Final = ("stop", "notify")


@require_safe
@page(place="plan")
def show_simulation(request: PortalRequest) -> HttpResponseBase:
    asked = read_asked(request.GET, request.account.currency)
    found = simulate_page(request.account, asked, timezone.now())
    return show(
        request, "portal/simulate.html", found, most=MOST, months=range(1, min(MONTHS, found.available) + 1)
    )


def read_asked(data: QueryDict, currency: str) -> Asked:
    """What a query string asks for: what is missing is as it was, what is wrong is named and left out."""
    errors, percents, typed = list[tuple[str, str]](), dict[str, int](), dict[str, str]()
    for name in data:
        if name.startswith(USE):
            meter, text = name.removeprefix(USE), data.get(name, "").strip()
            typed[meter] = text
            percent = int(text) if _NUMBER.fullmatch(text) else None
            if percent is not None and percent <= MOST:
                percents[meter] = percent
            elif text:
                words = gettext("Write the usage as a whole percent from 0 to %(most)s")
                errors.append((name, words % {"most": formats.number(MOST)}))
    text = data.get("limit", "").replace("\0", "").strip()
    limit = None
    try:
        limit = read_amount(typed_amount(text), currency) if text else None
    except LimitError:
        example = "500.00" if minor_units(currency) else "500"
        words = gettext("Enter the limit as an amount, such as %(example)s")
        errors.append(("limit", words % {"example": example}))
    months = data.get("months", "")
    wanted = int(months) if _NUMBER.fullmatch(months) else 0
    if months and not 1 <= wanted <= MONTHS:
        words = gettext("Choose from 1 to %(most)s billing periods")
        errors.append(("months", words % {"most": formats.number(MONTHS)}))
        wanted = 0
    action = data.get("action", "")
    return Asked(
        periods=wanted or 3,
        plan=data.get("plan", ""),
        percents=percents,
        limit=limit,
        action=action if action in ACTIONS else ACTIONS[0],
        typed={**typed, "": text},
        errors=tuple(errors),
    )
