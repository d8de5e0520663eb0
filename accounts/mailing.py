"""Sends one mail to each of the people of an account who are told of money.

Each has a mail of his own, so that one bad address holds up no other and is named. A mail is sent at least once: the
caller writes down who has had it after the mail server took it, and gives every try the same Message-ID.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from smtplib import SMTPRecipientsRefused, SMTPResponseException
from typing import Final

from django.core.mail import EmailMultiAlternatives

from accounts.models import Account, Membership, Role

_TOLD: Final = (Role.OWNER, Role.BILLING)
_ERROR_LENGTH: Final = 300

log = logging.getLogger("plainbill.mail")


@dataclass(frozen=True, slots=True)
class Delivered:
    """`taken`: who has had the mail, now or before; `sent`: how many now; `error`: why others have not, or nothing."""

    taken: list[str]
    sent: int
    error: str


def recipients(account: Account) -> list[str]:
    """The account's own address, its owners and its billing members; each once."""
    members = Membership.objects.filter(account=account, role__in=_TOLD, user__is_active=True).order_by(
        "user__email"
    )
    found = [account.email, *members.values_list("user__email", flat=True)]
    once: dict[str, str] = {}
    for address in found:
        once.setdefault(address.casefold(), address)
    return list(once.values())


def deliver(
    account: Account, had_it: Sequence[str], message: Callable[[Sequence[str]], EmailMultiAlternatives]
) -> Delivered:
    """Mail everybody who has not had it. Nothing is raised, whatever a mail server does: the next try is due."""
    taken, failed = list(had_it), list[str]()
    for address in recipients(account):
        if address in taken:
            continue
        try:
            message([address]).send()
        except Exception as error:
            log.warning("A mail to %s failed, it will be tried again: %s", address, error)
            failed.append(f"{address}: {_reason(error)}")
        else:
            taken.append(address)
    return Delivered(taken, len(taken) - len(had_it), "; ".join(failed)[:_ERROR_LENGTH])


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
