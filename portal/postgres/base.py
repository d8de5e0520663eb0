"""Django's PostgreSQL backend, which starts the embedded server at the first connection that needs it.

So commands that need no database (`quote`, `catalog check`) start none.
"""

from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base

from portal.postgres import embedded


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if settings.EMBEDDED_POSTGRES:
            embedded.ensure_running(settings.DATA_DIR)
        return super().get_new_connection(conn_params)
