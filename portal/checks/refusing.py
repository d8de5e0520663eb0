"""Asks the rules where something starts, and refuses by one error that says all there is to mend."""

import logging
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections

from portal import env
from portal.checks import database, settings

log = logging.getLogger("plainbill.checks")


class Refused(ImproperlyConfigured):
    """Plainbill does not start; the message says why, and how to mend it."""

    def __init__(self, what: str, sentences: Sequence[str]) -> None:
        super().__init__("\n".join([f"Plainbill does not start {what}:", *(f"  {one}" for one in sentences)]))


def refuse_senseless_settings() -> None:
    """For every command and process, before Django's settings are made of the environment."""
    found = settings.senseless(env)
    if found:
        unsafe = settings.unsafe(env) if env.PRODUCTION else []
        raise Refused("with these settings", [*found, *unsafe])


def refuse_unsafe_settings() -> None:
    """For what serves or works, in production."""
    if env.PRODUCTION and (found := settings.unsafe(env)):
        raise Refused("in production with these settings", found)


def refuse_unsafe_database() -> None:
    """For what serves or works: in production an error, elsewhere a line in the log.

    Raises OperationalError where production's database does not answer; elsewhere whoever needs it waits for it.
    """
    try:
        facts = database.facts()
    except OperationalError:
        if env.PRODUCTION:
            raise
        return
    finally:
        connections["default"].close()  # whoever serves or works opens his own, where he needs it
    found, doubts = database.unsafe(facts), database.doubtful(facts)
    if env.PRODUCTION and found:
        raise Refused("in production on this database", [*found, *doubts])
    for sentence in [*found, *doubts]:
        log.warning("%s", sentence)
