"""Real processes in production: refused with every reason on stderr and no trace, or started and answering."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.checks.environments import GOOD, production
from tests.patience import PATIENCE
from tests.server.running import READY_SECONDS, ROOT, Demo, environment, free_port

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("checks")]

BAD = {
    "ALLOWED_HOSTS": "*",
    "DEBUG": "1",
    "EMAIL_FROM": "billing@localhost",
    "EMAIL_URL": "consolemail://",
    "SECRET_KEY": "too short",
    "SELLER_ADDRESS": "",
    "SELLER_NAME": "",
    "SITE_URL": "http://localhost:8000",
    "STRIPE_SECRET_KEY": "sk_test_4242",
}
SERVER = ("-m", "granian", "--interface", "asginl", "--log-level", "critical", "portal.asgi:application")
STARTS = {
    "serve": ("manage.py", "serve", "--port", "1"),
    "worker": ("manage.py", "worker"),
    "bill": ("manage.py", "bill", "--as-of", "2026-01-01T00:00:00Z"),
    "asgi": SERVER,
    "wsgi": ("-c", "import portal.wsgi"),
}


def run(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=READY_SECONDS,
        check=False,
    )


def manage(env: dict[str, str], *words: str) -> str:
    done = run(env, "manage.py", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


class Product(Demo):
    """`manage.py serve` with an environment of its own."""

    env: dict[str, str]

    def launch(self) -> None:
        self._run(["serve", "--port", str(self.port)], self.env)

    def ready(self) -> bool:
        try:
            return self.ask("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def ask(self, path: str, **headers: str) -> httpx.Response:
        """As the proxy in front would, for the site's own name."""
        host = {"Host": self.env.get("ALLOWED_HOSTS", "localhost")}
        return httpx.get(f"{self.url}{path}", headers={**host, **headers}, timeout=PATIENCE, trust_env=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database of its own, whose server does not run."""
    folder = tmp_path_factory.mktemp("checks") / "data"
    manage(environment(folder), "migrate", "-v0")
    return folder


@pytest.fixture
def without_fsync(data: Path) -> Iterator[Path]:
    """`data`, whose operator has switched fsync off."""
    own = data / "postgres" / "postgresql.conf"
    before = own.read_bytes()
    own.write_bytes(before + b"\nfsync = off\n")
    yield data
    own.write_bytes(before)


def served(data: Path, env: dict[str, str]) -> Iterator[Product]:
    product = Product(data, free_port())
    product.env = env
    try:
        yield product.start()  # type: ignore[misc]
    finally:
        product.stop()


@pytest.fixture
def product(data: Path) -> Iterator[Product]:
    yield from served(data, production(data))


@pytest.fixture
def careless(without_fsync: Path) -> Iterator[Product]:
    yield from served(without_fsync, environment(without_fsync))


@pytest.mark.parametrize("start", STARTS)
def test_all_that_is_unsafe_is_told(data: Path, start: str) -> None:
    done = run(production(data, **BAD), *STARTS[start])
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert {name for name in BAD if f"{name} " in done.stderr} == BAD.keys()
    assert "4242" not in done.stderr


@pytest.mark.parametrize("start", STARTS)
def test_a_database_without_fsync_is_refused(without_fsync: Path, start: str) -> None:
    done = run(production(without_fsync), *STARTS[start])
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "ALTER SYSTEM SET fsync = on" in done.stderr


def test_outside_production_it_is_said_in_the_log(careless: Product) -> None:
    assert "WARNING plainbill.checks: PostgreSQL's fsync is off" in careless.log()
    assert careless.ask("/accounts/login/").status_code == 200


def test_a_good_production_starts_and_speaks_https_only(product: Product) -> None:
    assert product.ask("/readyz").json() == {"database": True, "migrations": True}
    secure = product.ask("/accounts/login/", **{"X-Forwarded-Proto": "https"})
    assert secure.status_code == 200
    assert "max-age=31536000" in secure.headers["strict-transport-security"]
    assert all("; Secure" in cookie for cookie in secure.headers.get_list("set-cookie"))
    open_ = product.ask("/accounts/login/")
    assert (open_.status_code, open_.headers["location"]) == (
        301,
        "https://billing.example.com/accounts/login/",
    )
    assert product.ask("/api/v1/meters").status_code == 401, "products may come past the proxy"
    assert product.ask("/readyz", Host="elsewhere.example.com").status_code == 400


def test_what_the_deployment_check_says(data: Path) -> None:
    words = ("check", "--deploy", "--fail-level", "WARNING", "--database", "default")
    assert "no issues" in manage(production(data), *words)
    done = run(production(data, **BAD), "manage.py", *words)
    assert done.returncode == 1
    assert {name for name in BAD if f"{name} " in done.stderr} == BAD.keys()
    done = run(production(data, PRODUCTION="0"), "manage.py", *words)
    assert "PRODUCTION is off" in done.stderr


def test_what_does_not_serve_can_be_used(data: Path) -> None:
    env = {**production(data, **BAD), "DJANGO_SUPERUSER_PASSWORD": "a password of ours"}
    manage(env, "migrate", "-v0")
    manage(env, "createsuperuser", "--noinput", "--email", "staff@example.com")


def test_no_secret_key_is_made_up(tmp_path: Path) -> None:
    env = {name: value for name, value in production(tmp_path).items() if name != "SECRET_KEY"}
    manage(env, "check")
    done = run(env, *STARTS["wsgi"])
    assert "SECRET_KEY is not set" in done.stderr
    assert not (tmp_path / "secret_key").exists()


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (("serve",), {"PRODUCTION": "0"}),
        (("serve",), {"PRODUCTION": "production"}),
        (("worker",), GOOD),
        (("demo",), {}),
        (("migrate",), {}),
        (("check",), {}),
    ],
)
def test_what_makes_no_sense_starts_nothing(
    tmp_path: Path, words: tuple[str, ...], env: dict[str, str]
) -> None:
    wrong = {"LATE_DAYS": "-5", "PAYMENT_TERMS_DAYS": "two weeks", "INVOICE_SERIES": "f/1"}
    done = run({**environment(tmp_path), **env, **wrong}, "manage.py", *words)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for sentence in (
        "LATE_DAYS=-5 does not do: write a whole number from 0 to 366.",
        "PAYMENT_TERMS_DAYS=two weeks does not do: write a whole number from 0 to 366.",
        "INVOICE_SERIES is no series of invoice numbers",
    ):
        assert sentence in done.stderr
    assert ("PRODUCTION=production is neither" in done.stderr) is (env.get("PRODUCTION") == "production")
    assert list(tmp_path.iterdir()) == [], "nothing was made"
