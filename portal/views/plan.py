"""`/billing/plan/`: compare, quote, confirm, take back, cancel."""

from typing import Final

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Act
from billing.plans.actions import Actor, preview_cancel, take_back
from billing.plans.errors import PlanError, QuoteChanged
from billing.plans.models import Plan, Subscription
from billing.plans.previews import Preview, When
from billing.plans.queries import running_subscription
from portal import acts, dates, formats
from portal.pages.plan import plan_page
from portal.pages.quotes import quote_page
from portal.views.base import PortalRequest, page, show

REFUSED = 409
WHEN: Final[dict[str, When]] = {"now": "now", "period_end": "period_end"}


@require_safe
@page(place="plan")
def show_plan(request: PortalRequest) -> HttpResponseBase:
    found = plan_page(request.account, timezone.now())
    interval = formats.interval_words(found.version.interval) if found.version else ""
    return show(request, "portal/plan.html", found, interval=interval)


@require_safe
@page(Act.CHANGE_PLAN, place="plan")
def quote(request: PortalRequest, code: str) -> HttpResponseBase:
    """What the change comes to, exactly; without a plan yet, what starting on it comes to."""
    return _quote(request, _plan(code))


@require_POST
@page(Act.CHANGE_PLAN, place="plan")
def confirm(request: PortalRequest, code: str) -> HttpResponseBase:
    """Make exactly the quoted change, or show the new quote."""
    plan, chosen = _plan(code), request.POST.get("when", "")
    subscription = running_subscription(request.account)
    if subscription is None:
        return _begin(request, plan)
    when = WHEN.get(chosen)
    if when is None:
        return _quote(request, plan, gettext("Choose when to switch."), status=422)
    try:
        done = acts.change_plan(
            subscription, plan, when, actor=Actor.CUSTOMER, quote=request.POST.get(f"quote_{when}", "")
        )
    except QuoteChanged:
        return _quote(
            request, plan, gettext("Something has changed since: this is the new quote."), when, REFUSED
        )
    except PlanError as error:
        return _quote(request, plan, error.sentence, when, status=REFUSED)
    messages.success(request, _done(done))
    return redirect("portal:plan")


@require_POST
@page(Act.CHANGE_PLAN, place="plan")
def take_back_change(request: PortalRequest) -> HttpResponseBase:
    try:
        take_back(_subscription(request))
    except PlanError as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, gettext("Taken back: your plan goes on as it is."))
    return redirect("portal:plan")


@require_http_methods(["GET", "HEAD", "POST"])
@page(Act.CHANGE_PLAN, place="plan")
def cancel_plan(request: PortalRequest) -> HttpResponseBase:
    subscription = _subscription(request)
    try:
        if request.method == "POST":
            done = acts.cancel(subscription, "period_end", actor=Actor.CUSTOMER)
            words = gettext("Your plan ends on %(day)s. Until then you can take this back.")
            messages.success(request, words % {"day": dates.day(done.effective_at, "yMMMMd")})
            return redirect("portal:plan")
        preview = preview_cancel(subscription, "period_end", actor=Actor.CUSTOMER)
    except PlanError as error:
        messages.error(request, error.sentence)
        return redirect("portal:plan")
    found = plan_page(request.account, timezone.now())
    return show(request, "portal/plan_cancel.html", found, preview=preview)


def _quote(
    request: PortalRequest, plan: Plan, changed: str = "", chosen: str = "", status: int = 200
) -> HttpResponseBase:
    now = timezone.now()
    subscription = running_subscription(request.account)
    if subscription is None:
        found = plan_page(request.account, now)
        row = next((one for one in found.rows if one.code == plan.code), None)
        if row is None:
            raise Http404
        context = {"row": row, "interval": formats.interval_words(row.interval), "changed": changed}
        return show(request, "portal/plan_begin.html", found, status=status, **context)
    try:
        quoted = quote_page(request.account, subscription, plan, now, chosen=chosen, changed=changed)
    except PlanError as error:
        messages.error(request, error.sentence)
        return redirect("portal:plan")
    interval = formats.interval_words(quoted.version.interval)
    return show(request, "portal/plan_quote.html", quoted, status=status, interval=interval)


def _begin(request: PortalRequest, plan: Plan) -> HttpResponseBase:
    try:
        acts.subscribe(request.account, plan, actor=Actor.CUSTOMER)
    except PlanError as error:
        return _quote(request, plan, error.sentence, status=REFUSED)
    messages.success(request, gettext("Your plan runs. Choose a limit next, so that nothing surprises you."))
    return redirect("portal:limits")


def _done(preview: Preview) -> str:
    name = formats.text_of(preview.version.name) if preview.version else ""
    if preview.when == "period_end":
        words = gettext("You switch to %(plan)s on %(day)s. Until then you can take this back.")
        return words % {"plan": name, "day": dates.day(preview.effective_at, "yMMMMd")}
    return gettext("You are on %(plan)s since %(time)s.") % {
        "plan": name,
        "time": dates.time(preview.effective_at, seconds=True),
    }


def _plan(code: str) -> Plan:
    plan = Plan.objects.filter(code=code, public=True, archived=False).first()
    if plan is None:
        raise Http404
    return plan


def _subscription(request: PortalRequest) -> Subscription:
    subscription = running_subscription(request.account)
    if subscription is None:
        raise Http404
    return subscription
