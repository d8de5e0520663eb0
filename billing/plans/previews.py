"""What an action on a subscription will come to, and the quote that promises it for a quarter of an hour."""

import enum
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.core import signing
from django.utils.translation import gettext as _

from billing.plans.errors import QuoteChanged
from billing.plans.lines import PlanLine
from billing.plans.models import Period, PlanVersion, ScheduledChange, Subscription
from billing.pricing.lines import Line

QUOTE_VALID = timedelta(minutes=15)
_SALT = "billing.plans.quote"

When = Literal["now", "period_end", "at"]


class Actor(enum.Enum):
    """Who asks: a customer for its own account, or the installation (staff and installation keys)."""

    CUSTOMER = "customer"
    INSTALLATION = "installation"


@dataclass(frozen=True, slots=True)
class Preview:
    """The exact lines of an action and when they will be invoiced; `version` is what holds after it (None: the end).

    `quote` may be sent along when confirming: then it is done only if it still comes to the same. `first` is the first
    paid period of a new subscription, which is not stored yet.
    """

    subscription: Subscription
    version: PlanVersion | None
    when: When
    effective_at: datetime
    next_invoice_at: datetime | None
    plan_lines: tuple[PlanLine, ...] = ()
    first: Period | None = None
    # What the quote is for, where that is not the subscription itself: a new one, what is taken back.
    subject: str = ""

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line.as_line() for line in self.plan_lines)

    @property
    def scheduled(self) -> ScheduledChange | None:
        """The row by which this waits for the period's end, not stored; None: it does not wait."""
        if self.when != "period_end":
            return None
        account_id, at = self.subscription.account_id, self.effective_at
        return ScheduledChange(
            subscription=self.subscription, account_id=account_id, at=at, version=self.version
        )

    @property
    def quote(self) -> str:
        """A signed text that says what was shown and when: nothing is stored, so nothing is left to clean up."""
        return signing.dumps(self._content(), salt=_SALT)

    def is_what_was_quoted(self, quote: str) -> bool:
        """Whether `quote` is one of ours, young enough, and came to what this comes to."""
        try:
            content = signing.loads(quote, salt=_SALT, max_age=QUOTE_VALID)
        except signing.BadSignature:
            return False
        return bool(content == self._content())

    def hold_to(self, quote: str | None) -> None:
        """Raise `QuoteChanged`, with this preview, unless this is what `quote` promised; None promises nothing."""
        if quote is not None and not self.is_what_was_quoted(quote):
            raise QuoteChanged(_("The offer has changed or is too old: look at the new one."), self)

    def _content(self) -> list[Any]:
        """What must be the same; of what happens `now` the instant is not, the lines go by days."""
        lines = [
            [
                line.prorated.kind,
                str(line.prorated.amount),
                line.prorated.first_day.isoformat(),
                line.prorated.end_day.isoformat(),
                line.version.pk,
            ]
            for line in self.plan_lines
        ]
        facts = [self.when, None if self.when == "now" else self.effective_at.isoformat(), lines]
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return [self.subject or str(self.subscription.pk), self.version and self.version.pk, digest]
