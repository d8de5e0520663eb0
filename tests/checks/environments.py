"""Environments that the checks look at."""

from pathlib import Path
from typing import Final

from tests.server.running import environment

SECRET: Final = "q7v1Zr0Xk3mB9tLw5sYd8uHn2cPf6jGa4eRi_oTb-KxMzVyWhQ"
GOOD: Final = {
    "PRODUCTION": "1",
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": "billing.example.com",
    "SITE_URL": "https://billing.example.com",
    "EMAIL_URL": "smtp+tls://billing:secret@mail.example.com:587",
    "EMAIL_FROM": "Meridian Models <billing@example.com>",
    "SELLER_NAME": "Meridian Models",
    "SELLER_ADDRESS": "12 quai Perrache, 69002 Lyon",
}
"""A production that starts."""


def production(data: Path, **changes: str) -> dict[str, str]:
    """For a process: `GOOD`, with `changes`, on the embedded PostgreSQL of `data`."""
    return {**environment(data), **GOOD, **changes}
