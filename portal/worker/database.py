"""The worker's ways to the database, all of which outlive a restart of PostgreSQL."""

from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections, connection
from procrastinate.contrib.django import connector_params
from procrastinate.psycopg_connector import PsycopgConnector


@sync_to_async(thread_sensitive=False)
def reach() -> None:
    """Connect once through Django, which starts the embedded server if it is down. Raises while there is no way."""
    close_old_connections()
    try:
        connection.ensure_connection()
    finally:
        connection.close()


def connection_params() -> dict[str, Any]:
    """psycopg's arguments for the application's role; without a pool, which a listener must never share."""
    params = connector_params()
    params.pop("pool", None)
    return params


def connector() -> PsycopgConnector:
    """procrastinate's own small pool; a dead connection in it is replaced when it is next asked for."""
    return PsycopgConnector(kwargs=connection_params(), min_size=1, max_size=4, timeout=10)
