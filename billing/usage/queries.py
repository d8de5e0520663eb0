"""Reads of usage. All of one account, inside its scope or the installation's."""

from billing.usage.reading.counted import counted_for, is_matched
from billing.usage.reading.latest import latest_arrival, usage_mark
from billing.usage.reading.lines import LineEvent, PricedEvent, event_on_charges, events_of_line
from billing.usage.reading.measures import kept_zone, meters_by_code
from billing.usage.reading.pages import (
    EventDetail,
    EventPage,
    Position,
    Sought,
    event_detail,
    events_by_id,
    events_page,
)
from billing.usage.reading.rows import (
    UsageQueryError,
    UsageRow,
    bucket_starts,
    check_question,
    daily_quantities,
    usage_rows,
)
from billing.usage.reading.upto import usage_upto

__all__ = [
    "EventDetail",
    "EventPage",
    "LineEvent",
    "Position",
    "PricedEvent",
    "Sought",
    "UsageQueryError",
    "UsageRow",
    "bucket_starts",
    "check_question",
    "counted_for",
    "daily_quantities",
    "event_detail",
    "event_on_charges",
    "events_by_id",
    "events_of_line",
    "events_page",
    "is_matched",
    "kept_zone",
    "latest_arrival",
    "meters_by_code",
    "usage_mark",
    "usage_rows",
    "usage_upto",
]
