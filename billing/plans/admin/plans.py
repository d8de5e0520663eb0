"""Plans, their versions and charges: drafts to edit, published versions to read."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from billing.plans.actions.draft import new_draft
from billing.plans.actions.publish import check_draft, next_number, publish
from billing.plans.admin.fields import TextsField
from billing.plans.errors import PlanError
from billing.plans.models import Charge, Phase, Plan, PlanVersion
from billing.pricing.charges import MODELS, localized
from billing.pricing.parse import CatalogError

TERMS_HELP = gettext_lazy(
    'The keys of the catalogue file, decimals in quotes: {"unit_price": "0.002", "included": "1000"} or '
    '{"tiers": [{"up_to": "1000", "unit_price": "0"}, {"up_to": null, "unit_price": "0.01"}]}'
)


class VersionInline(admin.TabularInline):  # type: ignore[type-arg]
    """The versions of a plan, to read; drafts are edited on their own page."""

    model = PlanVersion
    extra = 0
    fields = readonly_fields = (
        "number",
        "state",
        "currency",
        "interval",
        "base_price",
        "published_at",
        "subscribers",
    )
    ordering = ("-number",)
    can_delete = False
    show_change_link = True

    @admin.display(description=gettext_lazy("state"))
    def state(self, version: PlanVersion) -> str:
        return _("published") if version.published_at else _("draft")

    @admin.display(description=gettext_lazy("subscribers"))
    def subscribers(self, version: PlanVersion) -> int:
        return running_phases(version).count()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Plan)
class PlanAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("code", "public", "archived", "published_versions", "subscribers")
    list_filter = ("public", "archived")
    search_fields = ("code", "versions__name")
    inlines = (VersionInline,)
    fields = ("code", "public", "archived")
    change_form_template = "admin/plans/plan/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        published = Count("versions", filter=Q(versions__published_at__isnull=False), distinct=True)
        on_it = Count(
            "versions__phases",
            filter=Q(versions__phases__end=None, versions__phases__subscription__canceled_at=None),
            distinct=True,
        )
        plans: QuerySet[Plan] = super().get_queryset(request).annotate(published=published, on_it=on_it)
        return plans

    @admin.display(description=gettext_lazy("versions"), ordering="published")
    def published_versions(self, plan: Plan) -> int:
        return int(plan.published)  # type: ignore[attr-defined]

    @admin.display(description=gettext_lazy("subscribers"), ordering="on_it")
    def subscribers(self, plan: Plan) -> int:
        return int(plan.on_it)  # type: ignore[attr-defined]

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> tuple[str, ...]:
        return ("code",) if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Plan | None) -> Any:
        return self.inlines if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.draft_view)
        return [path("<int:pk>/draft/", view, name="plans_plan_draft"), *super().get_urls()]

    def draft_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a draft of the next version, a copy of the newest one, and go to it."""
        plan = self.get_object(request, str(pk))
        if plan is None or request.method != "POST" or not self.has_change_permission(request, plan):
            return HttpResponseRedirect(reverse("admin:plans_plan_changelist"))
        draft = new_draft(plan)
        return HttpResponseRedirect(reverse("admin:plans_planversion_change", args=[draft.pk]))


class ChargeForm(forms.ModelForm):  # type: ignore[type-arg]
    def clean_terms(self) -> dict[str, Any]:
        """Keys and values; what they may be is for the parser to say."""
        terms = self.cleaned_data["terms"] or {}
        if not isinstance(terms, dict):
            raise forms.ValidationError(TERMS_HELP)
        return terms


class ChargeInline(admin.StackedInline):  # type: ignore[type-arg]
    model = Charge
    form = ChargeForm
    extra = 0
    fields = ("position", "code", "meter", "model", "where", "terms")
    autocomplete_fields = ("meter",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "model":
            return forms.ChoiceField(
                choices=[(model, model) for model in MODELS], help_text=_("How it is priced")
            )
        field = super().formfield_for_dbfield(db_field, request, **options)
        if db_field.name == "terms" and field is not None:
            field.help_text = TERMS_HELP
        return field

    def has_add_permission(self, request: HttpRequest, obj: PlanVersion | None = None) -> bool:
        return is_draft(obj)

    def has_change_permission(self, request: HttpRequest, obj: PlanVersion | None = None) -> bool:
        return is_draft(obj)

    def has_delete_permission(self, request: HttpRequest, obj: PlanVersion | None = None) -> bool:
        return is_draft(obj)


class VersionForm(forms.ModelForm):  # type: ignore[type-arg]
    name = TextsField(label=gettext_lazy("Name"))
    read_revision = forms.IntegerField(widget=forms.HiddenInput)

    class Meta:
        model = PlanVersion
        fields = ("plan", "name", "currency", "interval", "base_price", "minimum_spend", "trial_days", "tax")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["read_revision"] = self.instance.revision

    def clean_read_revision(self) -> int:
        """Two people who edit one draft: the second is told, and overwrites nothing."""
        read: int = self.cleaned_data["read_revision"]
        stored = PlanVersion.objects.select_for_update().filter(pk=self.instance.pk).first()
        self.is_stale = stored is not None and stored.revision != read
        if self.is_stale:
            raise forms.ValidationError(_("Somebody else has saved this draft meanwhile: load it again."))
        return read


@admin.register(PlanVersion)
class PlanVersionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    form = VersionForm
    list_display = ("plan", "number", "localized_name", "currency", "interval", "base_price", "published_at")
    list_filter = (("published_at", admin.EmptyFieldListFilter), "currency", "interval")
    list_select_related = ("plan",)
    search_fields = ("plan__code", "name")
    autocomplete_fields = ("plan",)
    inlines = (ChargeInline,)
    change_form_template = "admin/plans/planversion/change_form.html"

    @admin.display(description=gettext_lazy("name"))
    def localized_name(self, version: PlanVersion) -> str:
        return localized(version.name, get_language() or "en")

    @admin.display(description=gettext_lazy("who is on it"))
    def who_is_on_it(self, version: PlanVersion) -> SafeString | str:
        """The accounts that are on this version now, each a link."""
        phases = running_phases(version).select_related("account").order_by("account__code")
        rows = (
            (
                reverse("admin:accounts_account_change", args=[phase.account_id]),
                phase.account.code,
                phase.account.name,
            )
            for phase in phases
        )
        return format_html_join(", ", '<a href="{}">{} ({})</a>', rows) or "—"

    def get_fields(self, request: HttpRequest, obj: PlanVersion | None = None) -> Any:
        terms = ("currency", "interval", "base_price", "minimum_spend", "trial_days", "tax")
        if is_draft(obj):
            return ("plan", "name", *terms, "read_revision")
        return ("plan", "number", "localized_name", *terms, "published_at", "who_is_on_it")

    def get_readonly_fields(self, request: HttpRequest, obj: PlanVersion | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        return ("plan",) if is_draft(obj) else ("number", "localized_name", "published_at", "who_is_on_it")

    def has_change_permission(self, request: HttpRequest, obj: PlanVersion | None = None) -> bool:
        return is_draft(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: PlanVersion | None = None) -> bool:
        return obj is not None and is_draft(obj) and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: PlanVersion, form: Any, change: bool) -> None:
        if not change:
            obj.number = next_number(obj.plan)
        obj.revision += 1
        super().save_model(request, obj, form, change)

    def changeform_view(self, request: HttpRequest, *args: Any, **options: Any) -> Any:
        response = super().changeform_view(request, *args, **options)
        shown = getattr(response, "context_data", None) or {}
        form = getattr(shown.get("adminform"), "form", None)
        if getattr(form, "is_stale", False):
            response.status_code = 409
        return response

    def response_add(
        self, request: HttpRequest, obj: PlanVersion, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._published(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: PlanVersion) -> HttpResponse:
        return self._published(request, obj) or super().response_change(request, obj)

    def _published(self, request: HttpRequest, draft: PlanVersion) -> HttpResponse | None:
        """Publish if that button was pressed; else tell what keeps the saved draft from being published."""
        asked = "_publish" in request.POST
        try:
            with transaction.atomic():
                publish(draft) if asked else check_draft(draft)
        except CatalogError as error:
            for problem in error.problems:
                self.message_user(request, str(problem), messages.ERROR if asked else messages.WARNING)
        except PlanError as error:
            self.message_user(request, error.sentence, messages.ERROR)
        else:
            if asked:
                text = _("%(version)s is published: it never changes from now on.") % {"version": draft}
                self.message_user(request, text, messages.SUCCESS)
        return (
            HttpResponseRedirect(reverse("admin:plans_planversion_change", args=[draft.pk]))
            if asked
            else None
        )


def is_draft(version: PlanVersion | None) -> bool:
    return version is None or version.published_at is None


def running_phases(version: PlanVersion) -> QuerySet[Phase]:
    return version.phases.filter(end=None, subscription__canceled_at=None)
