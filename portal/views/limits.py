"""`/billing/limits/`: enter, check, confirm."""

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Act
from billing.limits.actions import NothingToTry, TooManyDrills, set_limit, start_drill
from billing.limits.errors import LimitError
from billing.limits.queries import current_limit, standing
from billing.limits.queries.versions import latest_version
from billing.limits.terms import THRESHOLDS, Terms, read_action, read_amount, read_thresholds
from billing.plans.models import Meter
from billing.pricing.money import minor_units
from billing.usage.queries import meters_by_code
from portal import dates, formats
from portal.pages.limits import LimitForm, limits_page, threshold_rows
from portal.pages.receipts import receipt_page
from portal.views.base import PortalRequest, page, show

# Marks that people write inside an amount: spaces of every kind, and the currency's sign or code.
_AMOUNT_NOISE = re.compile(r"[\s\u00a0\u202f€$£¥]|[A-Z]{3}")


@require_safe
@page(place="limits")
def show_limits(request: PortalRequest) -> HttpResponseBase:
    meter = _meter(request.GET)
    return show(request, "portal/limits.html", limits_page(request.account, timezone.now(), meter))


@require_POST
@page(Act.CHANGE_LIMIT, place="limits")
def check(request: PortalRequest) -> HttpResponseBase:
    """What the change means, before anything changes; errors go back to the form with what was typed."""
    meter = _meter(request.POST)
    terms, form = read_form(request.POST, request.account.currency)
    if terms is None:
        found = limits_page(request.account, timezone.now(), meter, form)
        return show(request, "portal/limits.html", found, status=422)
    now = timezone.now()
    where = standing(request.account, now)
    own = next((one for one in where.limits if one.meter == meter), None)
    spent = own.spent if own else (where.spent if meter is None else Decimal(0))
    context: dict[str, Any] = {
        "terms": terms,
        "before": latest_version(request.account, meter),
        "meter": meter,
        "meter_name": formats.text_of(meter.name) if meter else "",
        "currency": request.account.currency,
        "spent": spent,
        "below": terms.amount is not None and terms.amount <= spent,
        "resets_at": where.resets_at,
        "amount_value": "" if terms.amount is None else f"{terms.amount:f}",
    }
    return show(request, "portal/limit_check.html", None, **context)


@require_POST
@page(Act.CHANGE_LIMIT, place="limits")
def confirm(request: PortalRequest) -> HttpResponseBase:
    meter = _meter(request.POST)
    terms, form = read_form(request.POST, request.account.currency)
    if terms is None:
        found = limits_page(request.account, timezone.now(), meter, form)
        return show(request, "portal/limits.html", found, status=422)
    version = set_limit(
        request.account,
        terms.amount,
        terms.action,
        terms.thresholds,
        meter=meter,
        pace=terms.pace,
        by=request.user,
    )
    since = dates.time(version.since if version else timezone.now(), seconds=True)
    if terms.amount is None:
        done = gettext("There is no limit since %(time)s.") % {"time": since}
    else:
        amount = formats.money(terms.amount, request.account.currency)
        done = gettext("Your limit is %(amount)s since %(time)s.") % {"amount": amount, "time": since}
    messages.success(request, done)
    suffix = f"?meter={meter.code}" if meter else ""
    return redirect(reverse("portal:limits") + suffix)


@require_safe
@page(place="limits")
def show_receipt(request: PortalRequest, stop: UUID) -> HttpResponseBase:
    found = receipt_page(request.account, stop)
    if found is None:
        raise Http404
    return show(request, "portal/limit_receipt.html", found)


@require_POST
@page(Act.TRY_ALERTS, place="limits")
def drill(request: PortalRequest) -> HttpResponseBase:
    """Simulate reaching the limit: the real mail and webhooks, marked as a test."""
    meter = _meter(request.POST)
    limit = current_limit(request.account, meter)
    try:
        if limit is None:
            raise NothingToTry
        start_drill(limit, request.user)
    except NothingToTry:
        messages.error(request, gettext("There is no limit to try in a running billing period."))
    except TooManyDrills:
        messages.error(request, gettext("Three tries an hour are the most. Try again later."))
    else:
        messages.success(request, gettext("The test is on its way. Below you see who was sent what."))
    suffix = f"?meter={meter.code}" if meter else ""
    return redirect(f"{reverse('portal:limits')}{suffix}#drill")


def read_form(data: QueryDict, currency: str) -> tuple[Terms | None, LimitForm]:
    """The terms, or None and the form with a sentence for each field that is wrong."""
    percents = [value.strip() for value in data.getlist("threshold")]
    typed = data.get("amount", "").strip()
    errors = list[tuple[str, str]]()
    amount, action, thresholds = None, None, None
    removing = data.get("remove") == "1"
    try:
        amount = None if removing else read_amount(typed_amount(typed), currency)
    except LimitError as error:
        example = "500.00" if minor_units(currency) else "500"
        wrong = error.code == "invalid"
        words = gettext("Enter the limit as an amount, such as %(example)s") % {"example": example}
        errors.append(("amount", words if wrong else error.sentence))
    try:
        action = read_action("notify" if removing else data.get("action", ""))
    except LimitError:
        errors.append(("action", gettext("Choose what happens at the limit")))
    try:
        thresholds = read_thresholds([int(one) if one.isdecimal() else one for one in percents if one])
    except LimitError as error:
        errors.append(("thresholds", error.sentence))
    pace = data.get("pace") == "1"
    rows = threshold_rows(percents, amount, currency)
    form = LimitForm(typed, data.get("action", ""), rows, pace, tuple(errors))
    if errors or action is None or thresholds is None:
        return None, form
    return Terms(amount, action, thresholds, pace), form


def read_first_limit(data: QueryDict, currency: str) -> tuple[Terms | None, LimitForm]:
    """As `read_form`, with the usual alerts; the action "none" is the choice of no limit."""
    whole = data.copy()
    whole.setlist("threshold", [str(one) for one in THRESHOLDS])
    whole["pace"] = "1"
    if data.get("action") == "none":
        whole["remove"] = "1"
    else:
        whole.pop("remove", None)
    return read_form(whole, currency)


def typed_amount(typed: str) -> str:
    """What a person writes as a decimal string: "1 234,50 €", "1,234.50" and "1.234,50" are all 1234.50."""
    text = _AMOUNT_NOISE.sub("", typed)
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", text):
        return text.replace(",", "")
    if re.fullmatch(r"\d{1,3}(\.\d{3})+,\d+", text):
        return text.replace(".", "").replace(",", ".")
    return text.replace(",", ".") if re.fullmatch(r"-?\d+,\d+", text) else text


def _meter(data: QueryDict) -> Meter | None:
    """The meter whose limit is meant; none for the account's own. 404 for one that does not exist."""
    code = data.get("meter", "")
    if not code:
        return None
    meter = meters_by_code().get(code)
    if meter is None:
        raise Http404
    return meter
