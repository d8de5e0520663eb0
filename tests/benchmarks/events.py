"""Made-up usage: requests of a language model, as batches of CloudEvents. The same seed gives the same events."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

CATALOG: dict[str, Any] = {
    "catalog": 1,
    "meters": [
        {
            "code": "tokens",
            "name": "Tokens",
            "unit": "token",
            "event_type": "llm.completion",
            "aggregation": "sum",
            "value": "tokens",
            "dimensions": ["model", "region"],
        },
        {
            "code": "requests",
            "name": "Requests",
            "unit": "request",
            "event_type": "llm.completion",
            "aggregation": "count",
            "dimensions": ["model", "region"],
        },
    ],
    "plans": [
        {
            "code": "usage",
            "name": "Usage",
            "currency": "EUR",
            "interval": "month",
            "base_price": "10.00",
            "charges": [
                {
                    "code": f"tokens-{model}",
                    "meter": "tokens",
                    "where": {"model": [model]},
                    "model": "graduated",
                    "tiers": [
                        {"up_to": "1000000", "unit_price": "0.00002"},
                        {"up_to": None, "unit_price": "0.00001"},
                    ],
                }
                for model in ("small", "large")
            ]
            + [{"code": "requests", "meter": "requests", "model": "per_unit", "unit_price": "0.001"}],
        }
    ],
}


def account_values(code: str) -> dict[str, str]:
    return {
        "code": code,
        "name": code.title(),
        "currency": "EUR",
        "timezone": "Europe/Paris",
        "locale": "en",
        "country": "FR",
        "email": f"{code}@example.com",
    }


class Maker:
    """Batches of events for some accounts, ids counting up, times spread over the last `days`."""

    def __init__(self, subjects: list[str], source: str, seed: int = 1, days: float = 0.05) -> None:
        self.subjects, self.source, self.days = subjects, source, days
        self.random, self.count = random.Random(seed), 0
        self.now = datetime.now(UTC)

    def event(self) -> dict[str, Any]:
        self.count += 1
        draw = self.random
        return {
            "specversion": "1.0",
            "id": f"{self.source}-{self.count:09d}",
            "source": self.source,
            "type": "llm.completion",
            "subject": draw.choice(self.subjects),
            "time": (self.now - timedelta(seconds=draw.random() * self.days * 86_400)).isoformat(),
            "data": {
                "tokens": draw.randint(1, 4000),
                "model": draw.choice(("small", "large")),
                "region": draw.choice(("eu", "us")),
            },
        }

    def events(self, count: int) -> list[dict[str, Any]]:
        return [self.event() for _ in range(count)]

    def body(self, count: int) -> bytes:
        """A batch as a client sends it."""
        return json.dumps(self.events(count), separators=(",", ":")).encode()
