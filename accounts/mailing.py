"""Who is told of what by mail, in which language, and how each of them gets it.

The account's own address is that of its invoices: it is told of them and of limits whatever its members chose, and of
the rest where no member is. Each has a mail of his own, so that one bad address holds up no other and is named. A mail
is sent at least once: the caller writes down who has had it after the mail server took it, and gives every try the
same Message-ID.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.translation import get_language

from accounts.languages import language_of
from accounts.models import Account, Mail, Membership, User

ALWAYS: Final = frozenset(Mail) - {Mail.WEBHOOK}
"""What the account's own address is told of in any case."""

_ERROR_LENGTH: Final = 300

log = logging.getLogger("plainbill.mail")


@dataclass(frozen=True, slots=True)
class Delivered:
    """`taken`: who has had the mail, now or before; `sent`: how many now; `error`: why others have not, or nothing."""

    taken: list[str]
    sent: int
    error: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a mail: his address, his language, and whether as a member, who may choose, or as the account."""

    address: str
    language: str
    member: bool

    @property
    def choices_url(self) -> str:
        """Where he, or who keeps the account's address, chooses whether to get it."""
        return f"{settings.SITE_URL}/billing/{'settings/notifications' if self.member else 'details'}/"


def recipients(account: Account, mail: Mail) -> list[Recipient]:
    """Who is told of `mail`, each once."""
    return recipients_among(members_of(account), account, mail)


def members_of(account: Account) -> Sequence[Membership]:
    """The members who can sign in, with their users, by their addresses."""
    found = Membership.objects.filter(account=account, user__is_active=True).select_related("user")
    return list(found.order_by("user__email"))


def recipients_among(members: Iterable[Membership], account: Account, mail: Mail) -> list[Recipient]:
    """`recipients`, for who has the members at hand."""
    people = {one.user.email.casefold(): one for one in members}
    told = {
        address: Recipient(one.user.email, language_of(one.user.language, account.locale), member=True)
        for address, one in people.items()
        if mail in one.wanted_mails
    }
    own = account.email.casefold()
    if (mail in ALWAYS or not told) and own not in told:
        chosen = people[own].user.language if own in people else ""
        told = {own: Recipient(account.email, language_of(chosen, account.locale), member=False)} | told
    return list(told.values())


def superusers() -> list[str]:
    """Who is told of what is the installation's."""
    found = User.objects.filter(is_superuser=True, is_active=True)
    return list(found.order_by("email").values_list("email", flat=True))


def deliver(
    account: Account,
    mail: Mail,
    had_it: Sequence[str],
    message: Callable[[Recipient], EmailMultiAlternatives],
) -> Delivered:
    """Mail everybody who has not had it. Nothing is raised, whatever a mail server does: the next try is due."""
    taken, failed = list(had_it), list[str]()
    for one in recipients(account, mail):
        address = one.address
        if address in taken:
            continue
        try:
            message(one).send()
        except Exception as error:
            log.warning("A mail to %s failed, it will be tried again: %s", address, error)
            failed.append(f"{address}: {_reason(error)}")
        else:
            taken.append(address)
    return Delivered(taken, len(taken) - len(had_it), "; ".join(failed)[:_ERROR_LENGTH])


def written(name: str, to: str, context: dict[str, Any]) -> EmailMultiAlternatives:
    """The mail of the templates email/<name>, in the language and time zone in force."""
    context = {**context, "language": get_language()}
    context["subject"] = " ".join(render_to_string(f"email/{name}_subject.txt", context).split())
    mail = EmailMultiAlternatives(
        subject=context["subject"],
        body=render_to_string(f"email/{name}.txt", context),
        to=[to],
        headers={"Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string(f"email/{name}.html", context), "text/html")
    return mail


def _reason(error: Exception) -> str:
    """What the mail server said, else what happened."""
    if isinstance(error, SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
        return f"{code} {_text(said)}"
    if isinstance(error, SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said
