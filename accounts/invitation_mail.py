"""The mail that asks a person to join an account, in the account's language.

It is sent once, after the commit that made the invitation: the token of its link is kept nowhere, so nothing could send
it later. Whether the mail server took it is written down, and the page offers to send it again.
"""

import logging
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils import timezone, translation

from accounts.mailing import written
from accounts.models import Invitation
from accounts.scope import account_scope

_ERROR_LENGTH: Final = 300

log = logging.getLogger("plainbill.mail")


def send_invitation(invitation: Invitation, token: str) -> None:
    """Outside of any transaction. Nothing is raised, whatever a mail server does."""
    error = ""
    try:
        message(invitation, token).send()
    except Exception as failed:
        log.warning("The invitation %s could not be mailed: %s", invitation.pk, failed)
        error = f"{type(failed).__name__}: {failed}"[:_ERROR_LENGTH]
    with account_scope(invitation.account_id):
        sent_at = None if error else timezone.now()
        Invitation.objects.filter(pk=invitation.pk).update(sent_at=sent_at, error=error)


def message(invitation: Invitation, token: str) -> EmailMultiAlternatives:
    account = invitation.account
    with translation.override(account.locale.replace("_", "-")), timezone.override(account.timezone):
        context = {
            "account": account,
            "invitation": invitation,
            "inviter": invitation.invited_by,
            "seller": settings.SELLER.name,
            "url": f"{settings.SITE_URL}{reverse('portal:invitation', args=[token])}",
        }
        return written("invitation", invitation.email, context)
