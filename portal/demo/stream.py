"""The live stream of the demo: a little usage each second, sent as any product would, by POST /api/v1/events."""

import logging
import math
import random
import threading
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx

from portal.demo.people import CUSTOMERS, Customer
from portal.demo.usage import COMPLETIONS_A_DAY, HOURS, WEEKDAYS, Event, completion

log = logging.getLogger("plainbill.demo")
SECONDS = 1.0
# A visitor should see a figure move soon, whatever the hour: at least one event in about eight seconds.
LEAST_PER_SECOND = 0.12
MEDIA = "application/cloudevents-batch+json"


class Stream(threading.Thread):
    """Sends until `stop()`; an outage is ridden out by sending the same events again."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(name="demo-stream", daemon=True)
        self._url = f"{url}/api/v1/events"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": MEDIA}
        self._ended = threading.Event()
        self._rng = random.Random()  # noqa: S311

    def stop(self) -> None:
        self._ended.set()

    def run(self) -> None:
        unsent: list[Event] = []
        with httpx.Client(headers=self._headers, timeout=10, trust_env=False) as client:
            while not self._ended.wait(SECONDS):
                unsent += [event for customer in CUSTOMERS for event in self._second(customer)]
                if unsent and self._send(client, unsent):
                    unsent = []

    def _send(self, client: httpx.Client, events: list[Event]) -> bool:
        try:
            answer = client.post(self._url, json=events[:5000])
        except httpx.TransportError:
            return False  # the server is starting or restarting; the ids make sending again safe
        if answer.status_code not in (200, 422):
            log.warning("the stream was answered %s", answer.status_code)
        return answer.status_code < 429

    def _second(self, customer: Customer) -> list[Event]:
        now = datetime.now(UTC)
        local = now.astimezone(ZoneInfo(customer.timezone))
        rate = COMPLETIONS_A_DAY * WEEKDAYS[local.weekday()] * HOURS[local.hour] / sum(HOURS) / 3600
        expected = max(LEAST_PER_SECOND, rate * math.sqrt(customer.volume)) * SECONDS
        count = int(expected) + (self._rng.random() < expected % 1)
        return [completion(customer, now, self._rng, 0.5) for _ in range(count)]
