"""`/billing/live/`: the stream behind the overview's moving figures."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.middleware import own_scope
from accounts.models import Account, Membership, User
from accounts.reading import one_reading
from accounts.scope import account_scope
from billing.usage.queries import usage_mark
from portal.live import Cards, stream
from portal.pages.overview import Overview, overview
from portal.pages.shell import shell
from portal.views.base import PortalRequest, page, reading_as

SEEN = "seen"
"""The parameter that says which usage the page was drawn from."""
CARDS = ("asof", "hero", "limit", "meters")


@require_safe
@own_scope
def live(request: HttpRequest) -> HttpResponseBase:
    """401 when signed out, 404 without an account here; else server-sent events."""
    user = request.user
    membership: Membership | None = getattr(request, "membership", None)
    if not isinstance(user, User):
        return HttpResponse(status=401)
    if membership is None:
        return HttpResponse(status=404)
    reader = Reader(
        membership_id=membership.pk,
        user_id=user.pk,
        session=request.session.session_key or "",
        signed_in=type(request.session)().exists,
        language=request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, user.language),
    )
    seen = request.GET.get(SEEN, "")
    messages = stream(
        membership.account_id, partial(cards, reader), partial(_has_news, membership.account, seen)
    )
    response = StreamingHttpResponse(messages, content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    # nginx would otherwise hold the events back until its buffer is full.
    response.headers["X-Accel-Buffering"] = "no"
    return response


@require_safe
@page(place="overview")
def live_cards(request: PortalRequest) -> HttpResponseBase:
    """The same cards once, for who no stream comes through to. 204 while there is nothing to show."""
    found = drawn(request.membership, timezone.now(), with_chart=True, known="")
    return HttpResponse(found.html) if found.html else HttpResponse(status=204)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who looks at the stream: what has to stay true of him, and the language he chose."""

    membership_id: int
    user_id: int
    session: str
    signed_in: Callable[[str], bool]
    language: str

    def membership(self) -> Membership | None:
        """None when he signed out, was put off, or is no member any more."""
        rows = Membership.objects.filter(pk=self.membership_id, user_id=self.user_id, user__is_active=True)
        found = rows.select_related("account", "user").first()
        return found if found is not None and self.signed_in(self.session) else None


def _has_news(account: Account, seen: str) -> bool:
    """Whether usage changed after the page was drawn, so that it must be drawn anew."""
    with account_scope(account.pk):
        return usage_mark(account) != seen


def cards(reader: Reader, with_chart: bool, known: str) -> Cards | None:
    """The cards as they stand now, with a word to screen readers when the limit's state is not the `known` one."""
    membership = reader.membership()
    if membership is None:
        return None
    account = membership.account
    with account_scope(account.pk), one_reading(), reading_as(reader.language, account):
        return drawn(membership, timezone.now(), with_chart=with_chart, known=known)


def drawn(membership: Membership, at: datetime, *, with_chart: bool, known: str) -> Cards:
    """The cards of `overview`; none of them before the first usage."""
    found = overview(membership.account, at)
    if found is None or found.empty:
        return Cards("", known)
    context = {
        "page": found,
        "shell": shell(membership.user, membership.account, at, reverse("portal:overview"), "overview"),
        "overview_url": reverse("portal:overview"),
    }
    names = (*CARDS, "chart") if with_chart else CARDS
    parts = [_partial(name, context) for name in names]
    if known and found.state != known:
        parts.append(_announcement(found, context))
    return Cards("\n".join(parts), found.state)


def _partial(name: str, context: dict[str, object]) -> str:
    card = render_to_string(f"portal/overview.html#{name}", context)
    return f'<hx-partial hx-target="#{name}" hx-swap="outerMorph">{card}</hx-partial>'


def _announcement(page: Overview, context: dict[str, object]) -> str:
    words = render_to_string("components/limit_words.html", {**context, "bar": page.bar})
    return f'<hx-partial hx-target="#announce" hx-swap="innerHTML">{words}</hx-partial>'
