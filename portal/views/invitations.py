"""`/billing/invitations/<token>/`: where the link of an invitation leads.

Who has no user yet chooses a password; who has signs in. The page opens scopes of its own: whose account it is, says
the token.
"""

from allauth.account.internal.flows.login import record_authentication
from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.middleware import choose_account, own_scope
from accounts.models import Invitation, User
from accounts.scope import installation_scope
from accounts.team import invitation_of, join
from portal.sessions import note_sign_in
from portal.views.base import reading_as


class NewUserForm(forms.Form):
    """Of somebody who is invited and has no user yet."""

    name = forms.CharField(
        label=_("Your name"), max_length=150, widget=forms.TextInput({"autocomplete": "name"})
    )
    password = forms.CharField(
        label=_("Choose a password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )

    def __init__(self, invitation: Invitation, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.invitation = invitation

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        user = User(email=self.invitation.email, name=self.cleaned_data.get("name", ""))
        validate_password(password, user)
        return password


@own_scope
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    with installation_scope():
        invitation = invitation_of(token)
        if invitation is None:
            return render(request, "portal/invitation_gone.html", status=404)
        with reading_as(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""), invitation.account):
            return _invited(request, invitation)


def _invited(request: HttpRequest, invitation: Invitation) -> HttpResponseBase:
    user = request.user
    if isinstance(user, User):
        return _with_user(request, invitation, user)
    if User.objects.filter(email__iexact=invitation.email).exists():
        return _show(request, invitation, "sign_in")
    form = NewUserForm(invitation, request.POST or None, initial={"name": invitation.name})
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                made = User.objects.create_user(
                    invitation.email, form.cleaned_data["password"], name=form.cleaned_data["name"]
                )
        except IntegrityError:  # made at this very moment elsewhere
            return _show(request, invitation, "sign_in")
        login(request, made, settings.AUTHENTICATION_BACKENDS[0])
        note_sign_in(request)
        record_authentication(request, made, method="password", email=made.email)
        return _joined(request, invitation, made)
    return _show(request, invitation, "new", form, 422 if form.errors else 200)


def _with_user(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponseBase:
    if user.email.casefold() != invitation.email.casefold():
        return _show(request, invitation, "other")
    if request.method != "POST":
        return _show(request, invitation, "join")
    return _joined(request, invitation, user)


def _joined(request: HttpRequest, invitation: Invitation, user: User) -> HttpResponseBase:
    try:
        join(invitation, user)
    except ValidationError:
        return render(request, "portal/invitation_gone.html", status=404)
    choose_account(request, invitation.account)
    return redirect("portal:overview")


def _show(
    request: HttpRequest,
    invitation: Invitation,
    step: str,
    form: NewUserForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """`step`: new, sign_in, join, or other (signed in as somebody else)."""
    context = {"invitation": invitation, "step": step, "form": form}
    return render(request, "portal/invitation.html", context, status=status)
