"""`/billing/plan/`: compare, quote, confirm, take back, cancel, reactivate, redeem a coupon."""

from collections.abc import Callable
from typing import Final

from django.contrib import messages
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Act
from billing.limits.terms import Terms
from billing.plans.actions import Actor, redeem, take_back
from billing.plans.errors import PlanError, QuoteChanged
from billing.plans.models import Plan, Subscription
from billing.plans.previews import Preview, When
from billing.plans.queries import ended_subscription, latest_version, running_subscription, version_at
from portal import acts, dates, formats
from portal.pages.coupons import CouponEntry
from portal.pages.first_limit import first_limit
from portal.pages.limits import LimitForm
from portal.pages.offers import OfferPage, begin_page, cancel_page, reactivate_page, take_back_page
from portal.pages.periods import plan_of
from portal.pages.plan import plan_page
from portal.pages.quotes import quote_page
from portal.views.base import PortalRequest, page, show
from portal.views.limits import read_first_limit

REFUSED = 409
WHEN: Final[dict[str, When]] = {"now": "now", "period_end": "period_end"}


@require_safe
@page(place="plan")
def show_plan(request: PortalRequest) -> HttpResponseBase:
    return _plan_page(request)


@require_POST
@page(Act.CHANGE_PLAN, place="plan")
def redeem_coupon(request: PortalRequest) -> HttpResponseBase:
    """Redeem the code that was typed, or show the page with what is wrong with it."""
    typed = request.POST.get("code", "").replace("\0", "").strip()
    try:
        redeemed = redeem(request.account, typed)
    except PlanError as error:
        return _plan_page(request, CouponEntry(typed, error.sentence), status=422)
    messages.success(request, gettext("Coupon %(code)s is redeemed.") % {"code": redeemed.coupon.code})
    return redirect("portal:plan")


def _plan_page(
    request: PortalRequest, entry: CouponEntry | None = None, status: int = 200
) -> HttpResponseBase:
    found = plan_page(request.account, timezone.now(), entry)
    interval = formats.interval_words(found.version.interval) if found.version else ""
    ended = None if found.subscription else ended_subscription(request.account)
    last = version_at(ended, ended.canceled_at or ended.started_at) if ended else None
    name = formats.text_of(last.name) if last else ""
    context = {"interval": interval, "ended": ended, "ended_name": name}
    return show(request, "portal/plan.html", found, status=status, **context)


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
    limit, typed = None, None
    if first_limit(request.account, latest_version(plan), before=version_at(subscription, timezone.now())):
        limit, typed = read_first_limit(request.POST, request.account.currency)
        if limit is None:
            return _quote(request, plan, chosen=when, status=422, typed=typed)

    def change() -> Preview:
        quoted = request.POST.get(f"quote_{when}", "")
        return acts.change_plan(subscription, plan, when, actor=Actor.CUSTOMER, quote=quoted)

    try:
        done = _start(request, limit, change)
    except QuoteChanged:
        words = gettext("Something has changed since: this is the new quote.")
        return _quote(request, plan, words, when, REFUSED, typed)
    except PlanError as error:
        return _quote(request, plan, error.sentence, when, REFUSED, typed)
    messages.success(request, _done(done))
    return redirect("portal:plan")


@require_http_methods(["GET", "HEAD", "POST"])
@page(Act.CHANGE_PLAN, place="plan")
def take_back_change(request: PortalRequest) -> HttpResponseBase:
    subscription = _subscription(request)

    def act(quote: str) -> HttpResponseBase:
        take_back(subscription, quote=quote)
        return _goes_on(request)

    return _offer(request, lambda: take_back_page(request.account, subscription, timezone.now()), act)


@require_http_methods(["GET", "HEAD", "POST"])
@page(Act.CHANGE_PLAN, place="plan")
def cancel_plan(request: PortalRequest) -> HttpResponseBase:
    subscription = _subscription(request)

    def act(quote: str) -> HttpResponseBase:
        done = acts.cancel(subscription, "period_end", actor=Actor.CUSTOMER, quote=quote)
        words = gettext("Your plan ends on %(day)s. Until then you can take this back.")
        if done.next_invoice_at is None:
            words = gettext("Your plan will not begin on %(day)s.")
        messages.success(request, words % {"day": dates.day(done.effective_at, "yMMMMd")})
        return redirect("portal:plan")

    return _offer(request, lambda: cancel_page(request.account, subscription, timezone.now()), act)


@require_http_methods(["GET", "HEAD", "POST"])
@page(Act.CHANGE_PLAN, place="plan")
def reactivate_plan(request: PortalRequest) -> HttpResponseBase:
    """Go on: take a cancellation back, or begin anew on the plan that ended last."""
    subscription = running_subscription(request.account) or ended_subscription(request.account)
    if subscription is None:
        raise Http404

    def act(quote: str, limit: Terms | None) -> HttpResponseBase:
        running = _start(
            request, limit, lambda: acts.reactivate(subscription, actor=Actor.CUSTOMER, quote=quote)
        )
        if running.pk == subscription.pk:
            return _goes_on(request)
        messages.success(request, gettext("Your plan runs again."))
        return redirect("portal:plan")

    return _starting(
        request, lambda typed: reactivate_page(request.account, subscription, timezone.now(), typed), act
    )


def _offer(
    request: PortalRequest,
    offer: Callable[[], OfferPage],
    act: Callable[[str], HttpResponseBase] | None = None,
) -> HttpResponseBase:
    """Show what an act comes to; posted, do exactly that, or show the new offer."""
    changed, code = "", 200
    if request.method == "POST" and act is not None:
        try:
            return act(request.POST.get("quote", ""))
        except QuoteChanged:
            changed, code = gettext("Something has changed since: this is the new offer."), REFUSED
        except PlanError as error:
            messages.error(request, error.sentence)
            return redirect("portal:plan")
    try:
        found = offer()
    except PlanError as error:
        messages.error(request, error.sentence)
        return redirect("portal:plan")
    return show(request, "portal/plan_offer.html", found, status=code, changed=changed)


def _starting(
    request: PortalRequest,
    offer: Callable[[LimitForm | None], OfferPage],
    act: Callable[[str, Terms | None], HttpResponseBase],
) -> HttpResponseBase:
    """An offer that may ask for the first limit; posted without one where it must be chosen, it asks again."""
    limit, typed = None, None
    if request.method == "POST":
        try:
            asks = offer(None).limit is not None
        except PlanError:
            asks = False  # the act says it again
        if asks:
            limit, typed = read_first_limit(request.POST, request.account.currency)
            if limit is None:
                return show(request, "portal/plan_offer.html", offer(typed), status=422)
    return _offer(request, lambda: offer(typed), lambda quote: act(quote, limit))


def _start[Done](request: PortalRequest, limit: Terms | None, start: Callable[[], Done]) -> Done:
    if limit is None:
        return start()
    return acts.start_with_limit(request.account, limit, request.user, start)


def _quote(  # noqa: PLR0917
    request: PortalRequest,
    plan: Plan,
    changed: str = "",
    chosen: str = "",
    status: int = 200,
    typed: LimitForm | None = None,
) -> HttpResponseBase:
    now = timezone.now()
    subscription = plan_of(request.account)
    if subscription is None:
        return _begin(request, plan)
    try:
        quoted = quote_page(
            request.account, subscription, plan, now, chosen=chosen, changed=changed, typed=typed
        )
    except PlanError as error:
        messages.error(request, error.sentence)
        return redirect("portal:plan")
    interval = formats.interval_words(quoted.version.interval)
    return show(request, "portal/plan_quote.html", quoted, status=status, interval=interval)


def _begin(request: PortalRequest, plan: Plan) -> HttpResponseBase:
    def act(quote: str, limit: Terms | None) -> HttpResponseBase:
        _start(
            request,
            limit,
            lambda: acts.subscribe(request.account, plan, actor=Actor.CUSTOMER, quote=quote),
        )
        messages.success(request, gettext("Your plan runs."))
        return redirect("portal:limits")

    return _starting(request, lambda typed: begin_page(request.account, plan, timezone.now(), typed), act)


def _goes_on(request: PortalRequest) -> HttpResponseBase:
    messages.success(request, gettext("Taken back: your plan goes on as it is."))
    return redirect("portal:plan")


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
    subscription = plan_of(request.account)
    if subscription is None:
        raise Http404
    return subscription
