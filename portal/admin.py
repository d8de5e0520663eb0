"""Subscriptions for support staff: who is on what, and changing it with the exact lines shown first.

They are here, not beside their models, because a change may issue an invoice at once (portal/acts.py).
"""

from collections.abc import Callable
from typing import Any

from allauth.account.decorators import secure_admin_login
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin import ReadOnlyInline
from accounts.middleware import own_scope
from billing.plans.actions import Actor, preview_change, preview_take_back, take_back
from billing.plans.errors import PlanError, QuoteChanged
from billing.plans.models import PendingLine, Period, Phase, Plan, PlanVersion, ScheduledChange, Subscription
from billing.plans.queries import status, version_at
from portal import acts, admin_jobs, admin_sign_in  # noqa: F401  # register themselves
from portal.admin_moves import move_view
from portal.offers import Offer, offer_cancel, offer_reactivate

# One door for everybody: the site's own sign-in counts failures and asks for the second factor; the admin's does not.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign, no-untyped-call]
admin.site.site_header = admin.site.site_title = "Plainbill"
admin.site.index_title = gettext_lazy("Support")

CANCEL = "-"


class PhaseInline(ReadOnlyInline):
    model = Phase
    fields = ("version", "start", "end")


class PeriodInline(ReadOnlyInline):
    model = Period
    fields = (
        "number",
        "first_day",
        "last_day",
        "timezone",
        "trial",
        "base_version",
        "base_invoiced_at",
        "closed_at",
    )
    readonly_fields = ("last_day",)
    ordering = ("-number",)


class ScheduledInline(ReadOnlyInline):
    model = ScheduledChange
    fields = readonly_fields = ("at", "version", "created_at")
    verbose_name_plural = gettext_lazy("scheduled (no version: the end)")


class PendingInline(ReadOnlyInline):
    model = PendingLine
    fields = ("kind", "version", "start", "end", "amount", "invoiced_at")
    verbose_name_plural = gettext_lazy("lines for the next invoice")


class SubscribeForm(forms.ModelForm):  # type: ignore[type-arg]
    plan = forms.ModelChoiceField(Plan.objects.none(), label=gettext_lazy("Plan"))
    start = forms.SplitDateTimeField(
        required=False, widget=AdminSplitDateTime, help_text=gettext_lazy("In UTC. Empty: now")
    )

    class Meta:
        model = Subscription
        fields = ("account", "anchor")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for_sale = PlanVersion.objects.filter(plan=OuterRef("pk"), published_at__isnull=False)
        self.fields["plan"].queryset = Plan.objects.filter(Exists(for_sale), archived=False)  # type: ignore[attr-defined]
        self.fields["anchor"] = forms.ChoiceField(choices=[(word, word) for word in ("start", "calendar")])

    def clean(self) -> dict[str, Any]:
        """Subscribe here, so that a refusal is shown at its field."""
        data: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                self.made = acts.subscribe(
                    data["account"], data["plan"], data["start"], data["anchor"], actor=Actor.INSTALLATION
                )
            except PlanError as error:
                self.add_error(error.field if error.field in self.fields else None, error.sentence)
        return data

    def validate_constraints(self) -> None:
        """The row that `clean` has made is no second subscription."""


class ChangeForm(forms.Form):
    """What is to happen, and when."""

    plan = forms.ChoiceField(label=gettext_lazy("New plan"))
    when = forms.ChoiceField(
        label=gettext_lazy("When"),
        choices=[("now", gettext_lazy("now")), ("period_end", gettext_lazy("at the end of the period"))],
    )

    def __init__(self, subscription: Subscription, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        currency = subscription.account.currency
        published = PlanVersion.objects.filter(published_at__isnull=False, currency=currency)
        plans = Plan.objects.filter(archived=False, pk__in=published.values("plan"))
        choices = [(plan.code, plan.code) for plan in plans]
        self.fields["plan"].choices = [*choices, (CANCEL, _("cancel the subscription"))]  # type: ignore[attr-defined]


@admin.register(Subscription)
class SubscriptionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("account", "plan", "state", "started_at", "canceled_at")
    list_filter = (("canceled_at", admin.EmptyFieldListFilter), "phases__version__plan")
    list_select_related = ("account",)
    search_fields = ("account__code", "account__name", "=id")
    date_hierarchy = "started_at"
    fields = ("account", "plan", "state", "started_at", "trial_end", "anchor", "anchor_day", "canceled_at")
    readonly_fields = ("plan", "state")
    inlines = (ScheduledInline, PendingInline, PhaseInline, PeriodInline)
    change_form_template = "admin/plans/subscription/change_form.html"

    @admin.display(description=gettext_lazy("plan"))
    def plan(self, subscription: Subscription) -> PlanVersion:
        return version_at(subscription, timezone.now())

    @admin.display(description=gettext_lazy("state"))
    def state(self, subscription: Subscription) -> str:
        return str(status(subscription, timezone.now()).label)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        return super().get_form(request, obj, change, **({} if obj else {"form": SubscribeForm}), **options)

    def get_fields(self, request: HttpRequest, obj: Subscription | None = None) -> Any:
        return self.fields if obj else ("account", "plan", "start", "anchor")

    def get_readonly_fields(self, request: HttpRequest, obj: Subscription | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj else ()

    def get_autocomplete_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("account",)

    def get_inlines(self, request: HttpRequest, obj: Subscription | None) -> Any:
        return self.inlines if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Subscription | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Subscription | None = None) -> bool:
        return False

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Subscription:
        made: Subscription = form.made
        return made

    def save_model(self, request: HttpRequest, obj: Subscription, form: Any, change: bool) -> None:
        """The form has made it."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is edited beside it."""

    def get_urls(self) -> list[URLPattern]:
        views = {
            "change-plan": self.change_plan_view,
            "take-back": self.take_back_view,
            "reactivate": self.reactivate_view,
        }
        own = [
            path(f"<uuid:pk>/{word}/", self.admin_site.admin_view(view), name=f"plans_subscription_{word}")
            for word, view in views.items()
        ]
        move = path("move/", self.admin_site.admin_view(self.move_view), name="plans_subscription_move")
        return [move, *own, *super().get_urls()]

    @own_scope
    def move_view(self, request: HttpRequest) -> HttpResponse:
        """Move all subscribers of a plan or version (portal/admin_moves.py)."""
        return move_view(self, request)

    def change_plan_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Choose, see the exact lines, confirm them."""
        subscription = self._subscription(request, pk)
        form = ChangeForm(subscription, request.POST or None)
        offer: Offer | None = None
        if request.method == "POST" and form.is_valid():
            try:
                if "quote" in request.POST:
                    self._confirm(subscription, form.cleaned_data, request.POST["quote"])
                    return self._done(request, subscription, "{plan}, {when}".format_map(form.cleaned_data))
                offer = self._offer(subscription, form.cleaned_data)
            except QuoteChanged as error:
                offer = self._offer(subscription, form.cleaned_data)
                form.add_error(None, error.sentence)
            except PlanError as error:
                form.add_error(error.field if error.field in form.fields else None, error.sentence)
        title = _("Change the plan of %(account)s") % {"account": subscription.account}
        return self._show(request, subscription, title, offer, form=form)

    def take_back_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Take a scheduled change or cancellation back, once it was seen what then goes on."""
        subscription = self._subscription(request, pk)
        title = _("Take back what is scheduled for %(account)s") % {"account": subscription.account}
        return self._ask(
            request,
            subscription,
            title,
            lambda: Offer(preview_take_back(subscription), None),
            lambda quote: take_back(subscription, quote=quote).subscription,
        )

    def reactivate_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Take a cancellation back, or begin anew on the same plan after the end."""
        subscription = self._subscription(request, pk)
        title = _("Reactivate %(account)s") % {"account": subscription.account}
        actor = Actor.INSTALLATION
        return self._ask(
            request,
            subscription,
            title,
            lambda: offer_reactivate(subscription, actor=actor),
            lambda quote: acts.reactivate(subscription, actor=actor, quote=quote),
        )

    def _ask(
        self,
        request: HttpRequest,
        subscription: Subscription,
        title: str,
        offer: Callable[[], Offer],
        act: Callable[[str], Subscription],
    ) -> HttpResponse:
        """Show what an act comes to; posted with its quote, do it, or show the new offer."""
        try:
            if "quote" in request.POST:
                return self._done(request, act(request.POST["quote"]), title)
        except QuoteChanged as error:
            self.message_user(request, error.sentence, messages.WARNING)
        except PlanError as error:
            self.message_user(request, error.sentence, messages.ERROR)
            return self._back(subscription)
        try:
            return self._show(request, subscription, title, offer())
        except PlanError as error:
            self.message_user(request, error.sentence, messages.ERROR)
            return self._back(subscription)

    def _show(
        self, request: HttpRequest, subscription: Subscription, title: str, offer: Offer | None, **extra: Any
    ) -> HttpResponse:
        language = request.LANGUAGE_CODE
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "subscription": subscription,
            "version": version_at(subscription, timezone.now()),
            "preview": offer and offer.preview,
            "lines": [line.as_data(language) for line in offer.preview.lines] if offer else [],
            "invoice": offer and offer.invoice,
            "invoice_lines": [one.line.as_data(language) for one in offer.invoice.lines]
            if offer and offer.invoice
            else [],
            "opts": self.opts,
            **extra,
        }
        return TemplateResponse(request, "admin/plans/subscription/change_plan.html", context)

    def _done(self, request: HttpRequest, subscription: Subscription, what: str) -> HttpResponse:
        """Say so, and keep who did it."""
        self.log_change(request, subscription, what)
        self.message_user(request, _("Done."), messages.SUCCESS)
        return self._back(subscription)

    def _subscription(self, request: HttpRequest, pk: str) -> Subscription:
        if not request.user.has_perm("plans.change_subscription"):
            raise PermissionDenied
        found = Subscription.objects.select_related("account").filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def _offer(self, subscription: Subscription, chosen: dict[str, Any]) -> Offer:
        actor = Actor.INSTALLATION
        if chosen["plan"] == CANCEL:
            return offer_cancel(subscription, chosen["when"], actor=actor)
        plan = Plan.objects.get(code=chosen["plan"])
        return Offer(preview_change(subscription, plan, chosen["when"], actor=actor), None)

    def _confirm(self, subscription: Subscription, chosen: dict[str, Any], quote: str) -> None:
        when = chosen["when"]
        if chosen["plan"] == CANCEL:
            acts.cancel(subscription, when, actor=Actor.INSTALLATION, quote=quote)
        else:
            plan = Plan.objects.get(code=chosen["plan"])
            acts.change_plan(subscription, plan, when, actor=Actor.INSTALLATION, quote=quote)

    def _back(self, subscription: Subscription) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:plans_subscription_change", args=[subscription.pk]))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        found: QuerySet[Subscription] = super().get_queryset(request).select_related("account")
        return found
