"""What starting, ending, taking back and going on come to: each on one page that is confirmed as it was seen."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext

from accounts.models import Account
from billing.invoices.drafts import Draft
from billing.plans.actions import Actor, Preview, preview_take_back
from billing.plans.models import Plan, PlanVersion, Subscription
from billing.plans.previews import QUOTE_VALID
from billing.plans.queries import scheduled_change, version_at
from portal import dates, formats
from portal.offers import Offer, offer_cancel, offer_reactivate, offer_subscribe
from portal.pages.documents import FootRow, LineGroup, draft_groups
from portal.pages.first_limit import first_limit
from portal.pages.limits import LimitForm
from portal.pages.upcoming import draft_foot


@dataclass(frozen=True, slots=True)
class OfferPage:
    """`groups` and `foot` are the invoice that follows, under `invoice_title`; without one they are empty.

    Confirming posts `quote` to `url`.
    """

    title: str
    crumb: str
    words: Sequence[str]
    facts: Sequence[tuple[str, str]]
    currency: str
    invoice_title: str
    invoice_note: str
    groups: Sequence[LineGroup]
    foot: Sequence[FootRow]
    url: str
    confirm: str
    leave: str
    quote: str
    valid_until: datetime
    limit: LimitForm | None = None


def begin_page(account: Account, plan: Plan, at: datetime, typed: LimitForm | None = None) -> OfferPage:
    """`typed`: what was entered for the first limit. Raises a `PlanError`, as the other pages do."""
    offer = offer_subscribe(account, plan, actor=Actor.CUSTOMER)
    title = gettext("Start on %(name)s") % {"name": _name(offer.preview.version)}
    words = gettext("Usage comes on top, at the prices of the plan.")
    url = reverse("portal:plan_confirm", args=[plan.code])
    found = _starting(offer, account, at, title=title, words=[words], url=url)
    return replace(found, limit=first_limit(account, offer.preview.version, typed))


def reactivate_page(
    account: Account, subscription: Subscription, at: datetime, typed: LimitForm | None = None
) -> OfferPage:
    """After the end a new subscription begins; before it the cancellation is taken back."""
    url = reverse("portal:plan_reactivate")
    offer = offer_reactivate(subscription, actor=Actor.CUSTOMER)
    title = gettext("Reactivate %(name)s") % {"name": _name(offer.preview.version)}
    if offer.preview.first is None:
        return _going_on(offer.preview, account, at, title=title, confirm=title, url=url)
    words = [gettext("Usage comes on top, at the prices of the plan.")]
    limit = first_limit(account, offer.preview.version, typed)
    if limit is None:
        words.append(gettext("Your limit stays as it is and keeps counting."))
    return replace(_starting(offer, account, at, title=title, words=words, url=url), limit=limit)


def take_back_page(account: Account, subscription: Subscription, at: datetime) -> OfferPage:
    preview = preview_take_back(subscription)
    change = scheduled_change(subscription)
    stays = {"plan": _name(preview.version)}
    title = (
        gettext("Take back the change to %(plan)s") % {"plan": _name(change.version)}
        if change and change.version
        else gettext("Take back the end of %(plan)s") % stays
    )
    confirm = gettext("Stay on %(plan)s") % stays
    url = reverse("portal:plan_take_back")
    return _going_on(preview, account, at, title=title, confirm=confirm, url=url)


def cancel_page(account: Account, subscription: Subscription, at: datetime) -> OfferPage:
    offer = offer_cancel(subscription, "period_end", actor=Actor.CUSTOMER)
    preview, name = offer.preview, _name(version_at(subscription, at))
    day = {"day": dates.day(preview.effective_at, "yMMMMd")}
    pending = preview.next_invoice_at is None
    words = (
        gettext("The plan has not begun: it will not begin on %(day)s, and nothing is charged.")
        if pending
        else gettext(
            "The plan ends on %(day)s. Until then it works and costs as now; your usage of this period comes on one "
            "last invoice. You can take this back until then, and your invoices stay here."
        )
    )
    return _page(
        preview,
        offer.invoice,
        at,
        currency=account.currency,
        title=gettext("Cancel %(name)s") % {"name": name},
        crumb=gettext("Cancel"),
        words=[words % day],
        invoice_title=gettext("The last invoice so far"),
        invoice_note=gettext("Counted until %(time)s. What you use until the end comes on top.")
        % {"time": dates.time(at, seconds=True)},
        url=reverse("portal:plan_cancel"),
        confirm=gettext("Cancel %(name)s") % {"name": name}
        if pending
        else gettext("End the plan on %(day)s") % {"day": dates.day(preview.effective_at, "MMMMd")},
        leave=gettext("Stay on %(plan)s") % {"plan": name},
    )


def _starting(
    offer: Offer, account: Account, at: datetime, *, title: str, words: Sequence[str], url: str
) -> OfferPage:
    preview = offer.preview
    version, trial_end = preview.version, preview.subscription.trial_end
    assert version is not None  # noqa: S101  # only an end has none
    price = formats.money(version.base_price, account.currency)
    facts = [(gettext("Plan price"), f"{price} {formats.interval_words(version.interval)}")]
    if trial_end:
        until = dates.day(trial_end, "yMMMMd")
        facts.append((gettext("Trial, usage included"), gettext("free until %(day)s") % {"day": until}))
    if preview.when == "at":
        facts.append((gettext("Begins on"), dates.day(preview.effective_at, "yMMMMd")))
    if preview.next_invoice_at:
        at_once = preview.when == "now" and preview.next_invoice_at == preview.effective_at
        day = gettext("today") if at_once else dates.day(preview.next_invoice_at, "yMMMMd")
        facts.append((gettext("First invoice"), day))
    return _page(
        preview,
        offer.invoice,
        at,
        currency=account.currency,
        title=title,
        words=words,
        facts=facts,
        invoice_title=gettext("The first invoice"),
        to_pay=gettext("To pay"),
        url=url,
        confirm=title,
    )


def _going_on(
    preview: Preview, account: Account, at: datetime, *, title: str, confirm: str, url: str
) -> OfferPage:
    facts = {"plan": _name(preview.version), "day": dates.day(preview.effective_at, "yMMMMd")}
    words = gettext(
        "Nothing ends and nothing changes on %(day)s: %(plan)s goes on as it is, at the same price. Nothing is "
        "charged for this."
    )
    return _page(
        preview,
        None,
        at,
        currency=account.currency,
        title=title,
        words=[words % facts],
        url=url,
        confirm=confirm,
    )


def _page(
    preview: Preview,
    invoice: Draft | None,
    at: datetime,
    *,
    currency: str,
    title: str,
    words: Sequence[str],
    url: str,
    confirm: str,
    crumb: str = "",
    facts: Sequence[tuple[str, str]] = (),
    invoice_title: str = "",
    invoice_note: str = "",
    leave: str = "",
    to_pay: str = "",
) -> OfferPage:
    foot = draft_foot(invoice) if invoice else []
    if foot and to_pay:
        foot[-1] = replace(foot[-1], name=to_pay)
    return OfferPage(
        title=title,
        crumb=crumb or title,
        words=words,
        facts=facts,
        currency=currency,
        invoice_title=invoice_title,
        invoice_note=invoice_note,
        groups=draft_groups(invoice) if invoice else [],
        foot=foot,
        url=url,
        confirm=confirm,
        leave=leave or gettext("Go back"),
        quote=preview.quote,
        valid_until=at + QUOTE_VALID,
    )


def _name(version: PlanVersion | None) -> str:
    return formats.text_of(version.name) if version else ""
