"""What a change of a subscription will come to, and the quote that promises it for a quarter of an hour."""

import enum
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.core import signing

from billing.plans.lines import PlanLine
from billing.plans.models import PlanVersion, Subscription
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
    """The exact lines of a change (`version` None: of a cancellation) and when they will be invoiced.

    `quote` may be sent along when confirming: then the change is made only if it still comes to the same.
    """

    subscription: Subscription
    version: PlanVersion | None
    when: When
    effective_at: datetime
    next_invoice_at: datetime | None
    plan_lines: tuple[PlanLine, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        return tuple(line.as_line() for line in self.plan_lines)

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

    def _content(self) -> list[Any]:
        """What must be the same; of a change `now` the instant is not, the lines go by days."""
        lines = [
            [
                line.kind,
                str(line.amount),
                line.start.isoformat(),
                line.end.isoformat(),
                line.plan,
                line.version,
            ]
            for line in self.lines
        ]
        facts = [self.when, None if self.when == "now" else self.effective_at.isoformat(), lines]
        digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
        return [str(self.subscription.pk), self.version and self.version.pk, digest]
