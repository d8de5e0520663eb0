"""Who changed what of an account, newest first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account, Activity
from billing.webhooks.models import Endpoint
from portal.pages.deeds import sentence_of

PAGE: Final = 50
_LARGEST: Final = 2**63 - 1

KINDS: Final = {
    "limit": _("Limits"),
    "plan": _("Plan"),
    "payment": _("Payment"),
    "details": _("Billing details"),
    "member": _("Members"),
    "key": _("API keys"),
    "webhook": _("Webhooks"),
    "access": _("Access"),
}
"""By the part of a deed's code before the point."""

_PAGES: Final = {
    "limit": "portal:limits",
    "plan": "portal:plan",
    "payment": "portal:payment",
    "details": "portal:settings",
    "key": "portal:settings",
    "member": "portal:members",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One deed. `who` did it, `note` says what he is; `url` leads to what was changed, "" where it has no page."""

    at: datetime
    who: str
    note: str
    sentence: str
    url: str


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """`people` and `kinds` are the choices of the filter, as (value, name); `older` is the next page's query."""

    entries: Sequence[Entry]
    people: Sequence[tuple[str, str]]
    kinds: Sequence[tuple[str, str]]
    who: str
    kind: str
    first: bool
    older: str

    @property
    def filtered(self) -> bool:
        return bool(self.who or self.kind)

    @property
    def newest(self) -> str:
        """The first page's query."""
        return urlencode({"who": self.who, "kind": self.kind})


def activity_page(account: Account, who: str = "", kind: str = "", before: str = "") -> ActivityPage:
    """The entries before the one with the id `before`, or the newest. A filter that fits nothing shows nothing."""
    rows = Activity.objects.filter(account=account)
    people = _people(rows)
    wanted = _by(_of_kind(rows, kind), who)
    last = int(before) if before.isascii() and before.isdigit() else 0
    if 0 < last <= _LARGEST:
        wanted = wanted.filter(pk__lt=last)
    found = list(wanted[: PAGE + 1])
    shown = found[:PAGE]
    more = {"who": who, "kind": kind, "before": shown[-1].pk} if len(found) > PAGE else {}
    return ActivityPage(
        entries=_entries(shown, account),
        people=people,
        kinds=[(code, str(name)) for code, name in KINDS.items()],
        who=who,
        kind=kind,
        first=not last,
        older=urlencode(more),
    )


def _of_kind(rows: QuerySet[Activity], kind: str) -> QuerySet[Activity]:
    if not kind:
        return rows
    return rows.filter(deed__startswith=f"{kind}.") if kind in KINDS else rows.none()


def _by(rows: QuerySet[Activity], who: str) -> QuerySet[Activity]:
    """`who` is the value of `_people`."""
    by, _mark, name = who.partition(":")
    if not who:
        return rows
    if "\0" in who:
        return rows.none()
    return rows.filter(by=by, **({"by_email": name} if by in _PERSONS else {"by_name": name}))


_PERSONS: Final = (Activity.By.MEMBER, Activity.By.STAFF)


def _people(rows: QuerySet[Activity]) -> list[tuple[str, str]]:
    """Whoever did something, each once: people by their mail address, keys by their name."""
    once = dict[str, str]()
    for by, name, email in rows.order_by("by", "by_name").values_list("by", "by_name", "by_email").distinct():
        value = f"{by}:{email if by in _PERSONS else name}"
        once.setdefault(value, _name(by, name))
    return list(once.items())


def _entries(rows: Sequence[Activity], account: Account) -> list[Entry]:
    webhooks = _webhooks(rows)
    return [
        Entry(
            at=row.at,
            who=_name(row.by, row.by_name),
            note=_note(row),
            sentence=sentence_of(row.deed, row.details, account),
            url=_url(row, webhooks),
        )
        for row in rows
    ]


def _name(by: str, name: str) -> str:
    if by == Activity.By.KEY:
        return gettext("API key “%(name)s”") % {"name": name}
    return name or str(settings.SELLER.name)


def _note(row: Activity) -> str:
    """What stands small below the name."""
    if row.by == Activity.By.STAFF:
        return gettext("%(seller)s support") % {"seller": settings.SELLER.name}
    if row.by == Activity.By.SYSTEM:
        return gettext("by itself")
    return "" if row.by_email == row.by_name else row.by_email


def _webhooks(rows: Iterable[Activity]) -> Mapping[str, str]:
    """The pages of the webhooks that are still there."""
    named = {row.details["webhook"] for row in rows if "webhook" in row.details}
    if not named:
        return {}
    left = Endpoint.objects.filter(pk__in=named).values_list("pk", flat=True)
    return {str(pk): reverse("portal:webhook", args=[pk]) for pk in left}


def _url(row: Activity, webhooks: Mapping[str, str]) -> str:
    if "webhook" in row.details:
        return webhooks.get(row.details["webhook"], "")
    page = _PAGES.get(row.deed.partition(".")[0])
    return reverse(page) if page else ""
