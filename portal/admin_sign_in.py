"""What people sign in with, for support staff: taken away, and never read or written.

It is here, not beside the people, because a person is told by mail (portal/sign_in.py) and his sessions end. allauth's
own pages, which show secrets, addresses that nothing of ours reads and sessions to be written, are closed.
"""

from functools import partial
from typing import Any

import allauth.account.admin
import allauth.mfa.admin
import allauth.usersessions.admin  # noqa: F401  # they register what is closed below
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.db import transaction
from django.http import HttpRequest

from accounts.admin import ReadOnlyInline, UserAdmin
from accounts.models import User
from portal.second_factor import FACTORS
from portal.sessions import end_sessions
from portal.sign_in import Change, tell

for _model in (Authenticator, EmailAddress, User, UserSession):
    admin.site.unregister(_model)


class FactorInline(ReadOnlyInline):
    """Each by its name: an authenticator app, recovery codes, or a passkey."""

    model = Authenticator
    fields = readonly_fields = ("type", "created_at", "last_used_at")
    can_delete = True
    verbose_name_plural = "second factors, to take away"


class NewPassword(AdminPasswordChangeForm):  # type: ignore[type-arg]
    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit)
        _tell(user, Change.PASSWORD_CHANGED)
        return user


@admin.register(User)
class PersonAdmin(UserAdmin):
    """Nobody is deleted: who is made inactive is signed out, and the records go on naming him."""

    change_password_form = NewPassword

    def get_inlines(self, request: HttpRequest, obj: User | None) -> Any:
        return (*self.inlines, FactorInline) if obj else self.inlines

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            for address in (form.initial["email"], obj.email):
                _tell(obj, Change.ADDRESS_CHANGED, address)
        if not obj.is_active:
            end_sessions(list(UserSession.objects.filter(user=obj)))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """The person's history names each factor that was taken: Django keeps it with what else was changed."""
        super().save_formset(request, form, formset, change)
        if formset.model is Authenticator and formset.deleted_objects:
            if not is_mfa_enabled(form.instance, FACTORS):  # recovery codes alone stand in for nothing
                Authenticator.objects.filter(user=form.instance).delete()
            _tell(form.instance, Change.FACTORS_TAKEN)


def _tell(user: User, change: Change, to: str = "") -> None:
    transaction.on_commit(partial(tell, user, change, by_support=True, to=to))
