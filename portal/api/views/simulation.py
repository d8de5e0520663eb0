"""What the account's own usage would have cost on another plan."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from billing.plans.models import Plan, PlanVersion
from billing.plans.queries import latest_version, running_subscription, version_at
from billing.pricing.charges import localized
from billing.pricing.dates import utc
from billing.pricing.money import money_string
from billing.usage.simulation import SimulatedPeriod, Simulation, simulate
from portal.api.auth import account_of, require_installation
from portal.api.problems import invalid_parameter
from portal.api.query import read_query
from portal.api.serializers.lines import line_data
from portal.api.serializers.simulation import SimulationAnswer, SimulationQuery
from portal.api.views.base import ApiView
from portal.api.views.usage import asked_span

LONGEST: Final = timedelta(days=366)
EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


class SimulationView(ApiView):
    @extend_schema(operation_id="simulate_plan", parameters=[SimulationQuery], responses=SimulationAnswer)
    def get(self, request: Request, account: str) -> Response:
        """The account's real usage on a plan, by the functions that invoice; nothing is stored or changed."""
        found = account_of(request, account)
        asked = read_query(request, SimulationQuery)
        version = _version(request, found, asked["plan"])
        start, end = asked_span(found, asked)
        _check(start, end)
        return Response(simulation_data(simulate(found, version, start, end), found.locale))


def _version(request: Request, account: Account, code: str) -> PlanVersion:
    """What the account is on, if that is `code`; else the newest version of a plan that the key may see."""
    running = running_subscription(account)
    own = version_at(running, timezone.now()) if running else None
    if own is not None and own.plan.code == code:
        return own
    plan = Plan.objects.filter(code=code).first()
    if plan is None:
        raise invalid_parameter("plan", "There is no plan of this code. GET /plans lists them.")
    if not plan.public or plan.archived:
        require_installation(request, "A plan that is not for sale to everyone")
    version = latest_version(plan)
    if version is None:
        raise invalid_parameter("plan", "No version of this plan is published yet.")
    if version.currency != account.currency:
        detail = f"The plan is in {version.currency}, the account is billed in {account.currency}."
        raise invalid_parameter("plan", f"{detail} Choose a plan in {account.currency}.")
    return version


def _check(start: datetime, end: datetime) -> None:
    for name, instant in (("from", start), ("to", end)):
        if not EARLIEST <= instant <= LATEST:
            raise invalid_parameter(name, "Must be an instant from 1970 to 2199.")
    if end <= start:
        raise invalid_parameter("to", "Must be after from.")
    if end - start > LONGEST:
        raise invalid_parameter("to", f"Ask for {LONGEST.days} days at most.")


def simulation_data(found: Simulation, locale: str) -> dict[str, Any]:
    """What `SimulationAnswer` describes."""
    return {
        "plan": found.version.plan.code,
        "version": found.version.number,
        "currency": found.currency,
        "start": utc(found.start),
        "end": utc(found.end),
        "periods": [_period_data(period, found.currency, locale) for period in found.periods],
        "total": money_string(found.total, found.currency),
        "unpriced": [
            {"meter": one.meter, "name": localized(one.name, locale), "partly": one.partly}
            for one in found.unpriced
        ],
    }


def _period_data(period: SimulatedPeriod, currency: str, locale: str) -> dict[str, Any]:
    return {
        "period": {"start": utc(period.start), "end": utc(period.end)},
        "lines": [line_data(line, locale) for line in period.lines],
        "usage_total": money_string(period.usage_total, currency),
        "subtotal": money_string(period.subtotal, currency),
    }
