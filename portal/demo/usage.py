"""Generated usage with the shape of real work: weekdays over weekends, office hours over nights, now and then a burst.

The same seed gives the same history, so two people who start the demo on one day see the same figures.
"""

import math
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from portal.demo.people import Customer

HOURS = (1, 1, 1, 1, 1, 2, 4, 9, 16, 20, 20, 17, 12, 16, 20, 20, 17, 12, 7, 5, 4, 3, 2, 1)
WEEKDAYS = (1.0, 1.04, 1.06, 1.02, 0.94, 0.22, 0.18)
COMPLETIONS_A_DAY = 130
MODELS = (("m-large", 5), ("m-small", 3), ("m-code", 2))
REGIONS = (("eu-west", 6), ("us-east", 3), ("ap-south", 1))
KEYS = (("assistant", 6), ("catalogue-rewrite", 2), ("search", 2))
Event = dict[str, Any]


def history(customer: Customer, start: datetime, end: datetime) -> Iterator[Event]:
    """CloudEvents of one customer in [start, end), in time order within a day."""
    zone = ZoneInfo(customer.timezone)
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    first = day
    while day <= last:
        rng = random.Random(f"{customer.code} {day}")  # noqa: S311
        for event in sorted(
            _day(customer, day, (day - first).days, zone, rng), key=lambda one: str(one["time"])
        ):
            if start <= datetime.fromisoformat(event["time"]) < end:
                yield event
        day += timedelta(days=1)


def completion(customer: Customer, at: datetime, rng: random.Random, scale: float = 1.0) -> Event:
    """One request to a language model: it feeds the meters of input and of output tokens."""
    read = int(rng.lognormvariate(8.9, 0.7) * 1.6 * scale)
    written = int(rng.lognormvariate(7.9, 0.8) * 2.0 * scale)
    data = {
        "input_tokens": str(max(20, read)),
        "output_tokens": str(max(5, written)),
        "model": _pick(rng, MODELS),
        "region": _pick(rng, REGIONS),
        "key": _pick(rng, KEYS),
    }
    return _event(customer, "llm.completion", at, rng, data)


def _day(customer: Customer, day: date, age: int, zone: ZoneInfo, rng: random.Random) -> Iterator[Event]:
    growth = 1 + 0.35 * age / 90
    busy = WEEKDAYS[day.weekday()] * growth * rng.uniform(0.86, 1.14) * (2.1 if rng.random() < 0.03 else 1)
    for _ in range(round(COMPLETIONS_A_DAY * busy * math.sqrt(customer.volume))):
        yield completion(customer, _instant(day, zone, rng), rng, 1.6 * math.sqrt(customer.volume))
    for _ in range(round(6 * busy)):
        data = {"tokens": str(rng.randrange(60_000, 420_000)), "model": "embed-2"}
        yield _event(customer, "llm.embedding", _instant(day, zone, rng), rng, data)
    for _ in range(round(5 * busy)):
        data = {"minutes": str(rng.randrange(2, 28)), "language": rng.choice(["fr", "en", "de"])}
        yield _event(customer, "audio.transcribed", _instant(day, zone, rng), rng, data)
    level = {
        "gigabytes": f"{380 * customer.volume + age * 0.9 + rng.uniform(-4, 4):.3f}",
        "bucket": "archive",
    }
    yield _event(customer, "storage.level", datetime.combine(day, time(0, 0, 5), zone), rng, level)


def _event(customer: Customer, kind: str, at: datetime, rng: random.Random, data: dict[str, str]) -> Event:
    return {
        "specversion": "1.0",
        "id": f"evt_{rng.getrandbits(64):016x}",
        "source": "//models.example/gateway",
        "type": kind,
        "subject": customer.code,
        "time": at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "data": data,
    }


def _instant(day: date, zone: ZoneInfo, rng: random.Random) -> datetime:
    hour = rng.choices(range(24), HOURS)[0]
    return datetime.combine(
        day, time(hour, rng.randrange(60), rng.randrange(60), rng.randrange(1000) * 1000), zone
    )


def _pick(rng: random.Random, weighted: tuple[tuple[str, int], ...]) -> str:
    return rng.choices([name for name, _ in weighted], [weight for _, weight in weighted])[0]
