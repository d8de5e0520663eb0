"""Moving all subscribers of a plan or version, for staff: each with the figures first, page by page."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.scope import installation_scope
from billing.plans.actions import Preview
from billing.plans.models import Plan, PlanVersion, Subscription
from portal.moves import PAGE, Candidate, Move, Outcome, candidates, find_move, move_one, subscribers, totals


class MoveForm(forms.Form):
    """From where, to where, when."""

    source = forms.ChoiceField(label=gettext_lazy("Subscribers of"))
    target = forms.ChoiceField(label=gettext_lazy("To the newest version of"))
    when = forms.ChoiceField(
        label=gettext_lazy("When"),
        choices=[
            ("period_end", gettext_lazy("at the end of each one’s period")),
            ("now", gettext_lazy("now")),
        ],
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        on_it = Q(phases__end=None, phases__subscription__canceled_at=None, phases__isnull=False)
        versions = PlanVersion.objects.exclude(published_at=None).select_related("plan")
        counted = versions.annotate(on_it=Count("phases", filter=on_it)).order_by("plan__code", "number")
        by_plan: dict[str, list[Any]] = {}
        for version in counted:
            by_plan.setdefault(version.plan.code, []).append(version)
        choices = []
        for code, own in by_plan.items():
            words = {"plan": code, "count": sum(one.on_it for one in own)}
            choices.append((code, _("%(plan)s, every older version (%(count)s)") % words))
            choices += [(f"{code}@{one.number}", f"{one} ({one.on_it})") for one in own]
        self.fields["source"].choices = choices  # type: ignore[attr-defined]
        for_sale = Plan.objects.filter(archived=False, code__in=by_plan)
        self.fields["target"].choices = [(plan.code, plan.code) for plan in for_sale]  # type: ignore[attr-defined]


def move_view(options: "admin.ModelAdmin[Subscription]", request: HttpRequest) -> HttpResponse:
    """Choose (GET), see a page of subscribers with what each would pay (GET), move those that are ticked (POST).

    It opens its own scopes: each account is a transaction of its own.
    """
    if not request.user.has_perm("plans.change_subscription"):
        raise PermissionDenied
    chosen = request.POST if request.method == "POST" else request.GET
    with installation_scope():
        form = MoveForm(chosen if "target" in chosen else None, initial=chosen.dict())
        move = _move(form)
    context: dict[str, Any] = {
        **options.admin_site.each_context(request),
        "title": _("Move subscribers"),
        "opts": options.opts,
        "form": form,
        "move": move,
    }
    if move is not None and request.method == "POST":
        context |= _confirm(options, request, move)
    elif move is not None:
        context |= _page(move, request.GET.get("after", ""))
    return TemplateResponse(request, "admin/plans/subscription/move.html", context)


def _move(form: MoveForm) -> Move | None:
    """What is asked for, once it is asked for whole."""
    if not form.is_bound or not form.is_valid():
        return None
    try:
        return find_move(**form.cleaned_data)
    except LookupError as error:
        form.add_error(None, str(error))
        return None


def _page(move: Move, after: str) -> dict[str, Any]:
    found = list(candidates(move, after, PAGE))
    with installation_scope():
        count = subscribers(move).count()
    more = found[-1].account.code if len(found) == PAGE and count > PAGE else ""
    return {**_figures(found), "count": count, "more": more}


def _figures(found: list[Candidate]) -> dict[str, Any]:
    rows = [one for one in found if one.preview is not None]
    return {"rows": rows, "staying": [one for one in found if one.preview is None], "totals": totals(found)}


def _confirm(options: "admin.ModelAdmin[Subscription]", request: HttpRequest, move: Move) -> dict[str, Any]:
    """Move those that are ticked, each by the quote that was shown; the others' new figures are shown anew."""
    with installation_scope():
        ticked = Subscription.objects.filter(pk__in=_uuids(request.POST.getlist("move")))
        found = list(ticked.select_related("account").order_by("account__code"))
    outcomes = list[Outcome]()
    for subscription in found:

        def record(preview: Preview, subscription: Subscription = subscription) -> None:
            words = {"version": move.target, "when": preview.when}
            options.log_change(request, subscription, _("Moved to %(version)s, %(when)s.") % words)

        quote = request.POST.get(f"quote_{subscription.pk}", "")
        outcomes.append(move_one(move, subscription, quote, record))
    moved = [one for one in outcomes if one.moved is not None]
    text = _("%(count)s of %(all)s are moved.") % {"count": len(moved), "all": len(outcomes)}
    options.message_user(request, text, messages.SUCCESS if len(moved) == len(outcomes) else messages.WARNING)
    left = [one.left for one in outcomes if one.left is not None]
    return {**_figures(left), "moved": moved, "confirmed": True}


def _uuids(texts: list[str]) -> list[str]:
    """Those that can be ids at all."""
    field = forms.UUIDField()
    found = []
    for text in texts:
        try:
            found.append(str(field.clean(text)))
        except forms.ValidationError:
            continue
    return found
