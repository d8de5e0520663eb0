"""`demo.json`: where the demo answers, who can sign in, and its keys. Random for each folder, readable by its owner."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Login:
    """`account` is the account's code, None for staff."""

    email: str
    password: str
    role: str | None
    account: str | None
    staff: bool


@dataclass(frozen=True)
class Logins:
    url: str
    users: tuple[Login, ...]
    api_keys: dict[str, str]


def write(path: Path, logins: Logins) -> None:
    """Write it whole or not at all, mode 0600."""
    draft = path.with_suffix(".tmp")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(logins), file, indent=2)
        file.write("\n")
    draft.replace(path)


def read(path: Path, url: str) -> Logins:
    """The logins of an earlier start; the file is rewritten when the demo now answers on another port."""
    data = json.loads(path.read_text())
    found = Logins(data["url"], tuple(Login(**user) for user in data["users"]), data["api_keys"])
    if found.url != url:
        found = replace(found, url=url)
        write(path, found)
    return found


def describe(logins: Logins) -> str:
    """What the terminal shows: the addresses and who can sign in."""
    width = max(len(user.email) for user in logins.users)
    rows = [
        f"  {user.email:<{width}}  {user.password}  "
        + (f"{user.role} of {user.account}" if user.account else "staff")
        for user in logins.users
    ]
    return "\n".join(
        [
            "",
            f"Plainbill demo: {logins.url}/billing/   (staff: {logins.url}/admin/, API: {logins.url}/api/docs/)",
            "",
            "Sign in as:",
            *rows,
            "",
            "The same, with API keys, is in demo.json. Ctrl-C ends the demo; its data stay.",
            "",
        ]
    )
