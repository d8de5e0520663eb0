"""The two runs: loss (a receiver that misbehaves, workers that are killed) and delay (endpoints that hang)."""

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from statistics import quantiles

from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from accounts.models import Account
from accounts.scope import account_scope, installation_scope
from billing.webhooks.actions import add_endpoint, announce, rotate_secret
from billing.webhooks.models import Delivery, Endpoint, EventType
from tests.factories import make_account
from tests.webhooks import receiver as answers
from tests.webhooks.receiver import Post, Receiver, receiving

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 60
CALM_SECONDS = 120


class Worker:
    """`manage.py worker`, or the careless one, that can be killed and started again."""

    def __init__(self, env: Mapping[str, str], log: Path, *, careless: bool = False) -> None:
        self.env, self.log = dict(env), log
        module = ["-m", "tests.harness.webhooks.careless"] if careless else ["manage.py", "worker"]
        self.command = [sys.executable, *module]

    def start(self) -> "Worker":
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        until(lambda: "listens to plainbill_webhooks" in self.log.read_text(), START_SECONDS)
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def until(met: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Moody(Receiver):
    """Fails, hangs, resets and is slow at random; `accepted` are the ids that it answered with success."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.calm = False
        self.accepted = Counter[str]()
        self.answered = Counter[str]()
        self.answers = {"/hook": self.answer}

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        moods = {"ok": 45, "slow": 15, "500": 15, "reset": 15, "hang": 5, "late reset": 5}
        mood = "ok" if self.calm else self.random.choices(list(moods), list(moods.values()))[0]
        self.answered[mood] += 1
        if mood in ("slow", "late reset"):
            time.sleep(self.random.uniform(0.1, 1.0))
        if mood in ("ok", "slow"):
            self.accepted[handler.headers["webhook-id"]] += 1
            answers.status(204)(handler)
        else:
            {"500": answers.status(500), "hang": answers.hang}.get(mood, answers.reset)(handler)


@dataclass
class Loss:
    """What became of the messages of a run; `good` if each arrived, under its id and verifiable."""

    announced: set[str]
    posts: list[Post]
    accepted: Counter[str]
    moods: Counter[str]
    kills: int
    unverified: int
    waiting: int
    other_bodies: int = 0
    lost: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.lost = self.announced - set(self.accepted)
        bodies: dict[str, set[bytes]] = {}
        for post in self.posts:
            bodies.setdefault(post.id, set()).add(post.body)
        self.other_bodies = sum(len(found) > 1 for found in bodies.values())

    @property
    def unknown(self) -> set[str]:
        return {post.id for post in self.posts} - self.announced

    @property
    def good(self) -> bool:
        return not (self.lost or self.unknown or self.unverified or self.waiting or self.other_bodies)

    def lines(self) -> list[str]:
        figures = {
            "messages announced": f"{len(self.announced):,}",
            "workers killed (-9)": f"{self.kills:,}",
            "tries that reached the receiver": f"{len(self.posts):,}",
            "answers": ", ".join(f"{name} {count}" for name, count in self.moods.most_common()),
            "ids accepted more than once": f"{sum(count > 1 for count in self.accepted.values()):,}",
            "lost": f"{len(self.lost):,}",
            "ids that nobody announced": f"{len(self.unknown):,}",
            "signatures that do not verify": f"{self.unverified:,}",
            "ids with two bodies": f"{self.other_bodies:,}",
            "still waiting": f"{self.waiting:,}",
        }
        return [f"{name:<34} {figure}" for name, figure in figures.items()]


def loss(
    worker: Worker, seconds: float, rate: float, kill_every: float, seed: int, *, least: int = 0
) -> Loss:
    """Announce, misbehave and kill for `seconds`; then calm, until all was delivered. A secret is replaced on the way.

    It goes on until the receiver has seen `least` tries and two workers were killed, however slow the machine is.
    Retries are days apart in the product, so the clock of what failed is put forward each second.
    """
    with installation_scope():
        account = make_account("harness")
    server = Moody(seed)
    with receiving(server):
        with installation_scope():
            endpoint, secret = add_endpoint(account, server.url("/hook"), by=None)
        secrets, announced, kills = [secret], set[str](), 0
        worker.start()
        began = time.monotonic()
        next_kill, next_lapse = began + kill_every, began + 1
        while (
            (now := time.monotonic()) < began + seconds
            or server.answered.total() < least
            or (least and kills < 2)
        ):
            announced.add(_announce(account))
            if now >= next_kill:
                worker.kill()
                worker.start()
                kills, next_kill = kills + 1, time.monotonic() + server.random.uniform(0.5, 1.5) * kill_every
            if now >= next_lapse:
                put_forward()
                next_lapse = now + 1
            if len(secrets) == 1 and now > began + seconds / 2:
                with account_scope(account.pk):
                    secrets.append(rotate_secret(endpoint))
            time.sleep(1 / rate)
        server.calm = True
        until(_all_delivered, CALM_SECONDS)
        worker.kill()
        with installation_scope():
            waiting = Delivery.objects.filter(delivered_at=None).count()
        verified = [any(_verifies(secret, post) for secret in secrets) for post in server.posts]
        return Loss(
            announced, server.posts, server.accepted, server.answered, kills, verified.count(False), waiting
        )


def put_forward() -> None:
    """What failed is due now, and so is what a killed worker had in hand for longer than a try can take."""
    with installation_scope():
        waiting = Delivery.objects.filter(next_try_at__gt=timezone.now())
        waiting.exclude(error="").update(next_try_at=timezone.now())
        waiting.filter(last_tried_at__lt=timezone.now() - timedelta(seconds=11)).update(
            next_try_at=timezone.now()
        )


def _announce(account: Account) -> str:
    with account_scope(account.pk):
        return str(announce(account, EventType.INVOICE_ISSUED, {"number": f"H-{time.monotonic_ns()}"}))


def _all_delivered() -> bool:
    put_forward()
    time.sleep(0.5)
    with installation_scope():
        return not Delivery.objects.filter(delivered_at=None).exists()


def _verifies(secret: str, post: Post) -> bool:
    """By the library that receivers use."""
    try:
        Webhook(secret).verify(post.body, post.headers)
    except Exception:
        return False
    return True


@dataclass
class Delay:
    """Seconds from the commit to the arrival at an endpoint that answers, alone and beside endpoints that hang."""

    alone: list[float]
    beside: list[float]
    hanging: int
    missing: int

    @staticmethod
    def p99(values: list[float]) -> float:
        return quantiles(values, n=100)[98]

    @property
    def ratio(self) -> float:
        return self.p99(self.beside) / self.p99(self.alone)

    def lines(self) -> list[str]:
        def figures(values: list[float]) -> str:
            p50, p99 = quantiles(values, n=100)[49], self.p99(values)
            return f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms of {len(values):,}"

        return [
            f"{'alone':<34} {figures(self.alone)}",
            f"{f'beside {self.hanging} that hang':<34} {figures(self.beside)}",
            f"{'p99, beside to alone':<34} {self.ratio:.2f}",
            f"{'not arrived':<34} {self.missing:,}",
        ]


def delay(worker: Worker, turns: int, messages: int, rate: float, hanging: int) -> Delay:
    """Turns with and without the hanging endpoints in use, one after another, so that the machine is the same."""
    with installation_scope():
        account = make_account("delay")
    with receiving() as server:
        server.answers["/hang"] = answers.hang
        with installation_scope():
            add_endpoint(account, server.url("/hook"))
            dead = [add_endpoint(account, server.url("/hang"))[0].pk for _ in range(hanging)]
        worker.start()
        found: dict[bool, list[float]] = {False: [], True: []}
        missing = 0
        for turn in range(-1, 2 * turns):  # the first one only warms up: a worker that starts has much to do
            beside = turn > 0 and turn % 2 == 1
            with installation_scope():
                # Healthy until they are found out, so that they take places of those that are.
                Endpoint.objects.filter(pk__in=dead).update(
                    off="" if beside else "by_hand", failing_since=None
                )
            sent: dict[str, float] = {}
            for _ in range(messages):
                sent[_announce(account)] = time.monotonic()
                time.sleep(1 / rate)
            until(lambda sent=sent: sent.keys() <= {post.id for post in server.at("/hook")}, 20)  # type: ignore[misc]
            if turn < 0:
                continue
            arrived = {post.id: post.at for post in reversed(server.at("/hook"))}
            found[beside] += [max(arrived[each] - at, 0.0) for each, at in sent.items() if each in arrived]
            missing += sum(each not in arrived for each in sent)
        worker.kill()
    return Delay(found[False], found[True], hanging, missing)
