"""The rules as Django's system checks: `manage.py check --deploy`, with `--database default` for those of the database.

They judge as if for production, whether PRODUCTION is on or not. Commands that work ask for them by their tag.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.core.checks import CheckMessage, Error, Tags, Warning, register

from portal import env
from portal.checks import database, settings

TAG: Final = "production"


@register(TAG, deploy=True)
def settings_are_safe(**options: Any) -> list[CheckMessage]:
    off = [] if env.PRODUCTION else ["PRODUCTION is off: set PRODUCTION=1 where customers are billed."]
    return [Error(sentence, id="plainbill.E001") for sentence in [*off, *settings.unsafe(env)]]


@register(TAG, Tags.database, deploy=True)
def database_is_safe(databases: Sequence[str] | None = None, **options: Any) -> list[CheckMessage]:
    if "default" not in (databases or ()):
        return []
    facts = database.facts()
    errors = [Error(sentence, id="plainbill.E002") for sentence in database.unsafe(facts)]
    return [*errors, *(Warning(sentence, id="plainbill.W001") for sentence in database.doubtful(facts))]
