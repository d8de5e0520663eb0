"""`/billing/settings/members/`: who belongs to the account; invite, change a role, remove, leave."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import team
from accounts.invitation_mail import send_invitation
from accounts.models import Invitation, Membership
from accounts.permissions import Act, allows
from portal.pages.members import InviteForm, MemberPage, errors_of, member_page, members_page
from portal.views.base import PortalRequest, page, show
from portal.views.fresh import fresh


@require_safe
@page(place="settings")
def show_members(request: PortalRequest) -> HttpResponseBase:
    may = allows(request.membership.role, Act.MANAGE_MEMBERS)
    return show(request, "portal/members.html", members_page(request.account, timezone.now(), may))


@require_http_methods(["GET", "HEAD", "POST"])
@page(Act.MANAGE_MEMBERS, place="settings")
@fresh
def invite(request: PortalRequest) -> HttpResponseBase:
    """The form, and sending the invitation."""
    if request.method != "POST":
        return show(request, "portal/member_invite.html", InviteForm())
    typed = {name: request.POST.get(name, "").strip() for name in ("email", "name", "role")}
    try:
        made, token = team.invite(request.account, **typed, by=request.user)
    except ValidationError as error:
        form = InviteForm(**typed, errors=errors_of(error))
        return show(request, "portal/member_invite.html", form, status=422)
    return _sent(request, made, token)


@require_POST
@page(Act.MANAGE_MEMBERS, place="settings")
@fresh
def change_invitation(request: PortalRequest, invitation: UUID) -> HttpResponseBase:
    """Send it again, or withdraw it."""
    found = Invitation.objects.select_related("account", "invited_by").filter(
        pk=invitation, account=request.account
    )
    one, wanted = found.first(), request.POST.get("act", "")
    if one is None or wanted not in ("again", "withdraw"):
        raise Http404
    try:
        if wanted == "again":
            return _sent(request, one, team.invite_again(one, request.user))
        team.withdraw(one, request.user)
    except ValidationError as error:
        messages.error(request, errors_of(error)[0][1])
    else:
        messages.success(request, gettext("The invitation is withdrawn: its link works no more."))
    return redirect("portal:members")


def _sent(request: PortalRequest, invitation: Invitation, token: str) -> HttpResponseBase:
    """Mail it once the invitation stands; the list says whether the mail was taken."""
    transaction.on_commit(lambda: send_invitation(invitation, token), robust=True)
    words = gettext("%(email)s is sent an invitation.") % {"email": invitation.email}
    messages.success(request, words)
    return redirect("portal:members")


@require_http_methods(["GET", "HEAD", "POST"])
@page(place="settings")
def show_member(request: PortalRequest, member: int) -> HttpResponseBase:
    """One member: his role and his leaving, for owners; for everybody his own."""
    rows = Membership.objects.select_related("user", "account")
    found = rows.filter(pk=member, account=request.account).first()
    own = found is not None and found.user_id == request.user.pk
    if found is None or not (own or allows(request.membership.role, Act.MANAGE_MEMBERS)):
        raise Http404
    return _member(request, found)


@fresh
def _member(request: PortalRequest, member: Membership) -> HttpResponseBase:
    if request.method != "POST":
        return _shown(request, member_page(member, request.user))
    wanted = request.POST.get("act", "")
    try:
        if wanted == "role" and allows(request.membership.role, Act.MANAGE_MEMBERS):
            changed = team.change_role(member, request.POST.get("role", ""), request.user)
            words = gettext("%(who)s has the role “%(role)s” now.")
            messages.success(request, words % {"who": member.user, "role": changed.get_role_display()})
        elif wanted == "remove":
            return _removed(request, member)
        else:
            raise Http404
    except ValidationError as error:
        return _shown(request, member_page(member, request.user, errors_of(error)), 422)
    return redirect("portal:members")


def _removed(request: PortalRequest, member: Membership) -> HttpResponseBase:
    team.remove(member, request.user)
    words = {"who": member.user, "account": request.account}
    if member.user_id != request.user.pk:
        messages.success(request, gettext("%(who)s is removed from the account.") % words)
        return redirect("portal:members")
    messages.success(request, gettext("You have left %(account)s.") % words)
    if Membership.objects.filter(user=request.user).exists():
        return redirect("portal:settings")
    logout(request)
    return redirect("account_login")


def _shown(request: PortalRequest, page: MemberPage, status: int = 200) -> HttpResponseBase:
    return show(request, "portal/member.html", page, status=status)
