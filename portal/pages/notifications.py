"""Which mails a person gets about the account, and who else gets them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.mailing import ALWAYS, members_of, recipients_among
from accounts.models import Account, Mail, Membership


class NotificationsForm(forms.Form):
    mails = forms.MultipleChoiceField(
        label=gettext_lazy("Mails to you"),
        choices=Mail.choices,
        required=False,
        error_messages={"invalid_choice": gettext_lazy("Choose from the mails of the list")},
    )

    def __init__(self, member: Membership, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(
            data, initial={"mails": sorted(member.wanted_mails)}, auto_id="f-%s", label_suffix=""
        )


@dataclass(frozen=True, slots=True)
class MailRow:
    """A kind of mail. `told`: the addresses that it goes to; `always`: whether the account's own is one in any case."""

    value: str
    label: str
    about: str
    checked: bool
    told: Sequence[str]
    always: bool


@dataclass(frozen=True, slots=True)
class NotificationsPage:
    """`own`: the person has the account's address. `alone`: it only is told of limits, no member."""

    email: str
    account_email: str
    own: bool
    alone: bool
    rows: Sequence[MailRow]


def notifications_page(account: Account, member: Membership, chosen: Sequence[str]) -> NotificationsPage:
    """`chosen`: what the form holds."""
    members = members_of(account)
    about = _about()
    rows = [
        MailRow(
            mail.value,
            str(mail.label),
            about[mail],
            mail in chosen,
            [one.address for one in recipients_among(members, account, mail)],
            mail in ALWAYS,
        )
        for mail in Mail
    ]
    own = account.email.casefold() == member.user.email.casefold()
    alone = not any(Mail.LIMIT in one.wanted_mails for one in members)
    return NotificationsPage(member.user.email, account.email, own, alone, rows)


def _about() -> dict[Mail, str]:
    return {
        Mail.LIMIT: _("A limit is near, reached, or will be at this rate. Also that usage is stopped."),
        Mail.ISSUED: _("When one is issued, with its PDF."),
        Mail.REMINDER: _("When an invoice is still open after its due date."),
        Mail.DECLINED: _("With the reason, and when it is tried again."),
        Mail.WEBHOOK: _("When your system did not answer for days, so that we stopped trying."),
    }
