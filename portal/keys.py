"""The secret key of a development or demo installation: random, kept in its data folder."""

import secrets
from pathlib import Path


def development_secret(data_dir: Path) -> str:
    """The key in `data_dir`/secret_key (mode 0600), made at first use."""
    path = data_dir / "secret_key"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()
