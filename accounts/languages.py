"""Which language a person reads: the one he chose if we speak it, else his account's."""

from django.conf import settings


def language_of(chosen: str, locale: str) -> str:
    """`chosen` if the portal speaks it, else the account's; the account's country decides the formats
    ("fr-ca")."""
    spoken = dict(settings.LANGUAGES)
    wanted = chosen if chosen in spoken else locale.replace("_", "-").lower()
    language = wanted.partition("-")[0]
    if language not in spoken:
        return settings.LANGUAGE_CODE
    own = locale.replace("_", "-").lower()
    return own if own.partition("-")[0] == language else language
