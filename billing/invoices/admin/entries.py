"""A page on which staff enter something that cannot be changed later: filled in, looked at, confirmed."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from accounts.models import User
from billing.invoices.errors import EntryError


@dataclass(frozen=True, slots=True)
class Shown:
    """What an entry comes to: sentences, then lines and sums as text."""

    said: Sequence[str]
    rows: Sequence[tuple[str, str]]

    @property
    def quote(self) -> str:
        """Names what was shown: what is confirmed is that, or it is shown anew."""
        return hashlib.sha256(repr((self.said, self.rows)).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Made:
    """What was recorded, what the log says of it, and where to go on."""

    row: Model
    said: str
    next: str


class EntryForm(forms.Form):
    """Filled in right, it can be shown, and made by a person. `EntryError` says at which field something is wrong."""

    def shown(self) -> Shown:
        raise AssertionError("each form says what it comes to")

    def make(self, by: User) -> Made:
        raise AssertionError("each form says what is made of it")


def entry_view(
    owner: "admin.ModelAdmin[Any]",
    request: HttpRequest,
    form_of: Callable[..., EntryForm],
    title: Any,
    right: str,
) -> HttpResponse:
    """The page: nothing is recorded unless exactly what was shown is confirmed."""
    user = request.user
    if not isinstance(user, User) or not user.has_perm(right):
        raise PermissionDenied
    form = form_of(request.POST or None, initial=request.GET.dict())
    shown: Shown | None = None
    if request.method == "POST" and form.is_valid():
        try:
            shown = form.shown()
            if "confirm" in request.POST and request.POST.get("quote") == shown.quote:
                made = form.make(user)
                owner.log_addition(request, made.row, made.said)
                owner.message_user(request, made.said, messages.SUCCESS)
                return HttpResponseRedirect(made.next)
            if "confirm" in request.POST:
                form.add_error(None, _("It comes to something else now: look at it again."))
        except EntryError as error:
            shown = None
            form.add_error(error.field if error.field in form.fields else None, str(error))
    context = {
        **owner.admin_site.each_context(request),
        "title": title,
        "form": form,
        "shown": shown,
        "opts": owner.opts,
    }
    return TemplateResponse(request, "admin/invoices/entry.html", context)
