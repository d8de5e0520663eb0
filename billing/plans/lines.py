"""Lines of the plan itself: their words, and the rows in which those of a change wait for the next invoice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from billing.plans.models import PendingLine, Period, PlanVersion, Subscription
from billing.pricing.charges import Plan, localized
from billing.pricing.dates import local_midnight
from billing.pricing.lines import Line
from billing.pricing.minimums import MissingSpend
from billing.pricing.money import ZERO
from billing.pricing.proration import ProratedLine


@dataclass(frozen=True, slots=True)
class PlanLine:
    """An amount for days of `period` at the base price of `version`.

    `pending`: it waits as a row of its own; else the invoice makes it from the period that it is the base price of.
    """

    version: PlanVersion
    prorated: ProratedLine
    period: Period
    pending: bool = True

    def as_line(self) -> Line:
        """The line as previews, the API and invoices show it: the quantity is days."""
        start = local_midnight(self.prorated.first_day, self.period.timezone)
        return Line(
            kind=self.prorated.kind,
            charge=None,
            meter=None,
            name=by_language(self._words),
            unit=by_language(lambda language: _("day")),
            start=min(max(start, self.period.start), self.period.end),
            end=self.period.end,
            quantity=Decimal(self.prorated.days),
            amount=self.prorated.amount,
            exact_amount=self.prorated.exact_amount,
            plan=self.version.plan.code,
            version=self.version.number,
            tax=self.version.tax or None,
        )

    def store(self, subscription: Subscription) -> PendingLine:
        """The row that waits for the next invoice."""
        line = self.as_line()
        return PendingLine.objects.create(
            account_id=subscription.account_id,
            subscription=subscription,
            version=self.version,
            kind=line.kind,
            description=dict(line.name),
            detail={
                "price": f"{self.prorated.price:f}",
                "days": self.prorated.days,
                "full_days": self.prorated.full_days,
                "first_day": self.prorated.first_day.isoformat(),
                "end_day": self.prorated.end_day.isoformat(),
            },
            start=line.start,
            end=line.end,
            amount=line.amount,
            exact_amount=line.exact_amount,
            tax=self.version.tax,
        )

    def _words(self, language: str) -> str:
        facts = {
            "plan": localized(self.version.name, language),
            "days": self.prorated.days,
            "full_days": self.prorated.full_days,
        }
        if self.prorated.kind == "base":
            return _("%(plan)s: base price") % facts
        if self.prorated.price < 0:
            return _("%(plan)s: %(days)s of %(full_days)s days given back") % facts
        return _("%(plan)s: %(days)s of %(full_days)s days") % facts


def minimum_spend_line(plan: Plan, missing: MissingSpend, start: datetime, end: datetime) -> Line:
    """What the period [start, end) misses to the minimum spend of `plan`."""
    return Line(
        kind="minimum",
        charge=None,
        meter=None,
        name=by_language(
            lambda language: _("%(plan)s: minimum spend") % {"plan": localized(plan.name, language)}
        ),
        unit={},
        start=start,
        end=end,
        quantity=ZERO,
        amount=missing.amount,
        exact_amount=missing.exact_amount,
        plan=plan.code,
        version=plan.version,
        tax=plan.tax,
    )


def by_language(words: Callable[[str], str]) -> dict[str, str]:
    """The same words in each language of the installation."""
    texts = {}
    for language, _name in settings.LANGUAGES:
        with override(language):
            texts[language] = words(language)
    return texts
