"""What ends a command or a server through no fault of its own, in sentences instead of a trace."""

from django.core.exceptions import ImproperlyConfigured
from django.db import NotSupportedError, OperationalError, ProgrammingError
from psycopg.errors import UndefinedTable

from portal.postgres.embedded import EmbeddedPostgresError


def sentence(error: BaseException) -> str | None:
    """What to tell whoever ran the command, and how to mend it; None if the trace tells more."""
    if isinstance(error, EmbeddedPostgresError | ImproperlyConfigured):
        return str(error)
    if isinstance(error, NotSupportedError) and error.__cause__ is None:  # by Django, of the server's version
        return f"{error} Upgrade it, or name another one in DATABASE_URL."
    cause = error.__cause__
    if isinstance(error, OperationalError) and getattr(cause, "sqlstate", None) is None:
        reason = str(error).partition("\n")[0]
        return f"The database does not answer ({reason}). Start it, or check DATABASE_URL and DATA_DIR."
    if isinstance(error, ProgrammingError) and isinstance(cause, UndefinedTable):
        return "The database has no tables yet: run manage.py migrate (serve and demo do so by themselves)."
    return None
