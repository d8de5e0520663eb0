"""The two ways into the one database: `default`, the application's role, and `owner`, which migrates.

The application's role owns nothing and has no BYPASSRLS, so row-level security and the triggers on issued documents
bind it. When DATABASE_URL is all we have, its role is put aside at connect time by `SET ROLE plainbill_app`.
"""

from pathlib import Path
from typing import Any

import environ

from portal.postgres import embedded

ENGINE = "portal.postgres"
APP_ROLE = embedded.APP_ROLE


def databases(url: str, owner_url: str, data_dir: Path, pool_size: int) -> dict[str, dict[str, Any]]:
    """Django's DATABASES for the embedded server (no `url`) or a real one."""
    if not url:
        sockets = str(embedded.socket_dir(data_dir))
        base: dict[str, Any] = {"NAME": embedded.DATABASE, "HOST": sockets, "PORT": "", "PASSWORD": ""}
        app: dict[str, Any] = {**base, "USER": embedded.APP_ROLE}
        owner: dict[str, Any] = {**base, "USER": embedded.OWNER_ROLE}
    else:
        app = dict(environ.Env.db_url_config(url))
        owner = dict(environ.Env.db_url_config(owner_url or url))
        if not owner_url:
            app["OPTIONS"] = {**app.get("OPTIONS", {}), "options": f"-c role={APP_ROLE}"}
    if pool_size:
        # Under ASGI each request runs in a thread of its own: without a pool each would connect anew.
        pool = {"min_size": 1, "max_size": pool_size, "timeout": 10}
        app["OPTIONS"] = {**app.get("OPTIONS", {}), "pool": pool}
    common = {"ENGINE": ENGINE, "CONN_HEALTH_CHECKS": True}
    return {
        "default": {**app, **common, "CONN_MAX_AGE": 0 if pool_size else 600},
        "owner": {**owner, **common},
    }


class OwnerMigrates:
    """Router: only `owner` changes the schema; all reading and writing is the application's."""

    def db_for_read(self, model: object, **hints: object) -> str:
        return "default"

    def db_for_write(self, model: object, **hints: object) -> str:
        return "default"

    def allow_relation(self, one: object, other: object, **hints: object) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: object) -> bool:
        return db == "owner"
