"""What somebody did, as a plain sentence: each deed of accounts/activity.py has its own.

A sentence says what was done and not who did it, which stands beside it; and it is made of what was kept then, so that
it reads the same once a plan or a person is gone.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext

from accounts.models import Account, Deed, Role
from billing.limits.models import LimitVersion
from billing.webhooks.models import Endpoint
from portal import dates, formats

type Details = Mapping[str, Any]
type Sentence = Callable[[Details, Account], str]


def sentence_of(deed: str, details: Details, account: Account) -> str:
    """A deed that this version does not know, kept by a later one, is shown by its code."""
    words = SENTENCES.get(Deed(deed)) if deed in Deed.values else None
    return words(details, account) if words else deed


def _limit_set(details: Details, account: Account) -> str:
    after, before = details["after"], details["before"] or {}
    words = {"what": _limit(details), "after": _terms(after, account)}
    if before and _terms(after, account) == _terms(before, account):
        words["alerts"] = ", ".join(formats.percent(Decimal(each) / 100) for each in after["thresholds"])
        return gettext("%(what)s, %(after)s: alerts set to %(alerts)s.") % words
    if before.get("amount") is None:
        return gettext("%(what)s set to %(after)s.") % words
    return gettext("%(what)s changed from %(before)s to %(after)s.") % {
        **words,
        "before": _terms(before, account),
    }


def _limit_lifted(details: Details, account: Account) -> str:
    before = details["before"] or {}
    if before.get("amount") is None:
        return gettext("%(what)s: none wanted.") % {"what": _limit(details)}
    words = {"what": _limit(details), "before": _terms(before, account)}
    return gettext("%(what)s lifted; it was %(before)s.") % words


def _limit(details: Details) -> str:
    meter = details["meter"]
    if not meter:
        return gettext("Spending limit")
    return gettext("Limit on %(meter)s") % {"meter": formats.text_of(meter["name"])}


def _terms(terms: Details, account: Account) -> str:
    """ "€500.00 (Stop)"."""
    if terms["amount"] is None:
        return gettext("none")
    amount = formats.money(Decimal(terms["amount"]), account.currency)
    return f"{amount} ({LimitVersion.Action(terms['action']).label})"


def _plan_started(details: Details, account: Account) -> str:
    words = {"plan": _plan(details["after"]), "day": _day(details["at"])}
    return gettext("Subscription to %(plan)s from %(day)s.") % words


def _plan_changed(details: Details, account: Account) -> str:
    words = {"before": _plan(details["before"]), "after": _plan(details["after"]), "day": _day(details["at"])}
    if details["when"] == "period_end":
        return gettext("Change from %(before)s to %(after)s arranged for %(day)s.") % words
    return gettext("Plan changed from %(before)s to %(after)s as of %(day)s.") % words


def _plan_cancelled(details: Details, account: Account) -> str:
    return gettext("Subscription cancelled; it ends on %(day)s.") % {"day": _day(details["at"])}


def _plan_taken_back(details: Details, account: Account) -> str:
    if not details["before"]:
        return gettext("Cancellation taken back: the subscription goes on.")
    return gettext("Change to %(plan)s taken back.") % {"plan": _plan(details["before"])}


def _plan(told: Details) -> str:
    return formats.text_of(told["name"])


def _day(instant: str) -> str:
    return dates.day(datetime.fromisoformat(instant))


def _webhook_changed(details: Details, account: Account) -> str:
    before, after = details["before"], details["after"]
    if before["url"] != after["url"]:
        words = {"before": before["url"], "after": after["url"]}
        return gettext("Webhook moved from %(before)s to %(after)s.") % words
    if before["types"] != after["types"]:
        words = {"url": after["url"], "types": ", ".join(after["types"])}
        return gettext("Webhook %(url)s is told of: %(types)s.") % words
    return gettext("Description of the webhook %(url)s changed.") % {"url": after["url"]}


def _webhook_off(details: Details, account: Account) -> str:
    words = {"url": details["url"], "why": Endpoint.Off(details["why"]).label}
    return gettext("Webhook %(url)s: %(why)s.") % words


def _details_changed(details: Details, account: Account) -> str:
    each = gettext("%(field)s (before: “%(before)s”, now: “%(after)s”)")
    changes = [
        each
        % {
            "field": _field(name),
            "before": was or formats.DASH,
            "after": details["after"][name] or formats.DASH,
        }
        for name, was in details["before"].items()
    ]
    return gettext("Billing details changed: %(changes)s.") % {"changes": ", ".join(changes)}


def _field(name: str) -> str:
    return str(getattr(Account._meta.get_field(name), "verbose_name", name))


def _role_changed(details: Details, account: Account) -> str:
    words = {"who": _person(details), "before": _role(details["before"]), "after": _role(details["after"])}
    return gettext("Role of %(who)s changed from %(before)s to %(after)s.") % words


def _with_role(text: str) -> Sentence:
    """A sentence about a member (`who`) and his role."""
    return lambda details, account: gettext(text) % {"who": _person(details), "role": _role(details["role"])}


def _with_path(text: str) -> Sentence:
    """A sentence about a member (`who`) and a page."""
    return lambda details, account: gettext(text) % {"who": _person(details), "path": details["path"]}


def _named(text: str, key: str) -> Sentence:
    """A sentence about one thing, named in the details by `key` and in the text by "it"."""
    return lambda details, account: gettext(text) % {"it": details[key]}


def _plain(text: str) -> Sentence:
    return lambda details, account: gettext(text)


def _person(details: Details) -> str:
    member = details["member"]
    return f"{member['name']} ({member['email']})" if member["name"] else str(member["email"])


def _role(code: str) -> str:
    return str(Role(code).label) if code in Role.values else code


def _(text: str) -> str:
    """Marks a text for the translators; it is translated when it is read."""
    return text


SENTENCES: Final[Mapping[Deed, Sentence]] = {
    Deed.LIMIT_SET: _limit_set,
    Deed.LIMIT_LIFTED: _limit_lifted,
    Deed.PLAN_STARTED: _plan_started,
    Deed.PLAN_CHANGED: _plan_changed,
    Deed.PLAN_CANCELLED: _plan_cancelled,
    Deed.PLAN_TAKEN_BACK: _plan_taken_back,
    Deed.COUPON_REDEEMED: _named(_("Coupon %(it)s redeemed."), "coupon"),
    Deed.WEBHOOK_ADDED: _named(_("Webhook %(it)s added."), "url"),
    Deed.WEBHOOK_CHANGED: _webhook_changed,
    Deed.WEBHOOK_SECRET: _named(_("New secret for the webhook %(it)s."), "url"),
    Deed.WEBHOOK_ON: _named(_("Webhook %(it)s switched on."), "url"),
    Deed.WEBHOOK_OFF: _webhook_off,
    Deed.WEBHOOK_REMOVED: _named(_("Webhook %(it)s removed."), "url"),
    Deed.CARD_ADDED: _named(_("Card %(it)s added."), "card"),
    Deed.CARD_REMOVED: _named(_("Card %(it)s removed."), "card"),
    Deed.CARD_CHOSEN: _named(_("Card %(it)s made the default."), "card"),
    Deed.PAY_AUTOMATICALLY: _plain(_("New invoices are paid automatically.")),
    Deed.PAY_BY_HAND: _plain(_("New invoices are no longer paid automatically.")),
    Deed.DETAILS_CHANGED: _details_changed,
    Deed.MEMBER_INVITED: _with_role(_("%(who)s invited as %(role)s.")),
    Deed.INVITED_AGAIN: _with_role(_("Invitation of %(who)s as %(role)s sent again.")),
    Deed.INVITATION_WITHDRAWN: _with_role(_("Invitation of %(who)s as %(role)s withdrawn.")),
    Deed.MEMBER_JOINED: _with_role(_("%(who)s joined as %(role)s.")),
    Deed.ROLE_CHANGED: _role_changed,
    Deed.MEMBER_REMOVED: _with_role(_("%(who)s removed; the role was %(role)s.")),
    Deed.MEMBER_LEFT: _with_role(_("%(who)s left; the role was %(role)s.")),
    Deed.KEY_MADE: _named(_("API key “%(it)s” made."), "name"),
    Deed.KEY_REVOKED: _named(_("API key “%(it)s” revoked."), "name"),
    Deed.PORTAL_LINK_MADE: _with_path(_("Link made that signs %(who)s in, for %(path)s.")),
    Deed.PORTAL_LINK_OPENED: _with_path(_("%(who)s signed in by a link, for %(path)s.")),
}
