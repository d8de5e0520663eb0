"""Accounts that could not be billed, for support staff: why, and "try again now" once it is mended."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.invoices.models import ParkedAccount
from billing.invoices.run import bill_accounts
from billing.limits.admin import ReadOnly


@admin.register(ParkedAccount)
class ParkedAccountAdmin(ReadOnly):
    list_display = ("account", "since", "error", "tries", "last_tried_at", "next_try_at")
    search_fields = ("account__code", "account__name", "error")
    list_select_related = ("account",)
    actions = ("bill_again",)

    @admin.action(description=gettext_lazy("Bill again now"), permissions=["view"])
    def bill_again(self, request: HttpRequest, queryset: QuerySet[ParkedAccount]) -> None:
        accounts = [row.account for row in queryset.select_related("account")]
        outcomes = list(bill_accounts(accounts, timezone.now()))
        billed = sum(not one.error for one in outcomes)
        if billed:
            words = ngettext("%d account is billed again.", "%d accounts are billed again.", billed)
            self.message_user(request, words % billed, messages.SUCCESS)
        for one in outcomes:
            if one.error:
                told = {"account": one.account.code, "reason": one.error}
                words = _("%(account)s could still not be billed: %(reason)s") % told
                self.message_user(request, words, messages.WARNING)
