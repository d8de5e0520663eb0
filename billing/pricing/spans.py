"""`Span`: a stretch of a billing period on one plan version, with its usage."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from billing.pricing.charges import Plan, Usage


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch `[start, end)` of one billing period on one plan version.

    `before` and `upto` give the usage by charge code of this plan: in `[period start, start)` and `[period
    start, end)`, both measured over the full period where that matters (`time_weighted`). Charges without
    usage may be absent. `share` is the span's local days over the full period's days; it prorates
    `minimum_amount`.
    """

    plan: Plan
    start: datetime
    end: datetime
    before: Mapping[str, Usage]
    upto: Mapping[str, Usage]
    share: Fraction

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            raise ValueError("a span's instants need an offset")
        if self.start > self.end:
            raise ValueError(f"a span cannot end ({self.end}) before it starts ({self.start})")
        if not 0 <= self.share <= 1:
            raise ValueError(f"a span is a share of its period between 0 and 1, not {self.share}")
