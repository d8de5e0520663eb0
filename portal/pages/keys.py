"""The API keys of an account: what each may, who made it, when it was last used, and what it sent in this period."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django import forms
from django.core.paginator import Paginator
from django.db.models import F, Sum
from django.utils.translation import gettext, gettext_lazy, pgettext_lazy

from accounts import validators
from accounts.keys import SCOPES, in_force
from accounts.models import Account, ApiKey
from accounts.permissions import Act, allows
from billing.plans.queries import current_period, running_subscription
from billing.usage.models import SentByKey

PAGE: Final = 50
_NAMES: Final = {
    "ingest": gettext_lazy("Send usage"),
    "read": gettext_lazy("Read"),
    "manage": gettext_lazy("Everything"),
}
_ABOUT: Final = {
    "ingest": gettext_lazy("Send events, ask for the allowance, reserve usage. For your product."),
    "read": gettext_lazy("Read usage, spend, invoices and exports. For reports."),
    "manage": gettext_lazy("All of it, and change the plan, limits, webhooks and billing details."),
}
_LIVES: Final = (
    ("", gettext_lazy("Never")),
    ("30", gettext_lazy("In 30 days")),
    ("90", gettext_lazy("In 90 days")),
    ("365", gettext_lazy("In a year")),
)
_OVERLAPS: Final = (
    ("24", gettext_lazy("In 24 hours")),
    ("168", gettext_lazy("In a week")),
    ("1", gettext_lazy("In an hour")),
    ("0", gettext_lazy("Now")),
)


class KeyForm(forms.Form):
    name = forms.CharField(
        label=pgettext_lazy("key", "What it is for"),
        max_length=100,
        validators=[validators.single_line],
        help_text=gettext_lazy("Such as the system that uses it."),
        error_messages={"required": gettext_lazy("Enter what it is for")},
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may"),
        error_messages={
            "required": gettext_lazy("Choose at least one"),
            "invalid_choice": gettext_lazy("Choose from the list"),
        },
    )
    expires = forms.ChoiceField(
        label=gettext_lazy("Expires"),
        choices=_LIVES,
        required=False,
        error_messages={"invalid_choice": gettext_lazy("Choose from the list")},
    )

    def __init__(self, given: Sequence[str], data: Mapping[str, Any] | None = None) -> None:
        """`given`: the scopes that the person may give."""
        super().__init__(data, auto_id="f-%s", label_suffix="")
        self.given = given
        self.fields["scopes"].choices = [(scope, _NAMES[scope]) for scope in given]  # type: ignore[attr-defined]

    @property
    def choices(self) -> Sequence[tuple[str, str, str, bool]]:
        """Each scope with its name, what it is for, and whether it is chosen."""
        chosen = self["scopes"].value() or []
        return [(scope, str(_NAMES[scope]), str(_ABOUT[scope]), scope in chosen) for scope in self.given]

    def expires_at(self, now: datetime) -> datetime | None:
        days = self.cleaned_data["expires"]
        return now + timedelta(days=int(days)) if days else None


class ReplaceForm(forms.Form):
    ends = forms.ChoiceField(
        label=gettext_lazy("The old key ends"),
        choices=_OVERLAPS,
        error_messages=dict.fromkeys(("required", "invalid_choice"), gettext_lazy("Choose from the list")),
    )

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, auto_id="f-%s", label_suffix="")

    def until(self, now: datetime) -> datetime:
        return now + timedelta(hours=int(self.cleaned_data["ends"]))


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key. `sent`: the events that it sent in this billing period and that were accepted."""

    key: ApiKey
    may: Sequence[str]
    live: bool
    sent: int

    @property
    def by(self) -> str:
        """Its maker; whoever of staff or the system it was, to a customer that is support."""
        maker = self.key.created_by
        return gettext("support") if maker is None or maker.is_staff else str(maker)


@dataclass(frozen=True, slots=True)
class KeysPage:
    """One page of the keys, those in force first; `since`: the first day that is counted, if a plan runs."""

    rows: Sequence[KeyRow]
    since: date | None
    number: int
    pages: int

    @property
    def numbers(self) -> range:
        return range(1, self.pages + 1)


@dataclass(frozen=True, slots=True)
class KeyPage:
    """`text`: the key itself, this once."""

    row: KeyRow
    since: date | None
    text: str = ""


def keys_page(account: Account, at: datetime, number: str = "1") -> KeysPage:
    live_first = (F("revoked_at").asc(nulls_first=True), "-created_at", "pk")
    found = ApiKey.objects.filter(account=account).select_related("created_by").order_by(*live_first)
    pages = Paginator(found, PAGE)
    one = pages.get_page(number)
    keys, since = list(one.object_list), counted_since(account, at)
    return KeysPage(_rows(keys, since, at), since, one.number, pages.num_pages)


def key_page(key: ApiKey, at: datetime, text: str = "") -> KeyPage:
    since = counted_since(key.account, at) if key.account else None
    (row,) = _rows([key], since, at)
    return KeyPage(row, since, text)


def counted_since(account: Account, at: datetime) -> date | None:
    """The first day of the running billing period."""
    subscription = running_subscription(account)
    period = current_period(subscription, at) if subscription else None
    return period.first_day if period else None


def given_scopes(role: str) -> list[str]:
    """The scopes that a member of the role may give a key: none by which it could do what the member may not."""
    return [scope for scope in SCOPES if scope != "manage" or allows(role, Act.GIVE_MANAGE)]


def _rows(keys: Sequence[ApiKey], since: date | None, at: datetime) -> list[KeyRow]:
    rows = SentByKey.objects.filter(api_key__in=keys)
    if since:
        rows = rows.filter(day__gte=since)
    sent = dict(rows.values_list("api_key").annotate(Sum("events")).values_list("api_key", "events__sum"))
    return [
        KeyRow(
            key,
            [str(_NAMES[scope]) for scope in SCOPES if scope in key.scopes],
            in_force(key, at),
            sent.get(key.pk, 0),
        )
        for key in keys
    ]
