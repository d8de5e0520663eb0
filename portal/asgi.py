"""The ASGI application that `serve` and `demo` run: events go straight to intake, all else to Django."""

import gc
import os
from collections.abc import Mapping
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django = get_asgi_application()

from portal import intake  # noqa: E402  (needs Django set up)

gc.freeze()  # what is loaded stays: looking through it for garbage took a tenth of intake's time


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http" and scope["path"] == intake.PATH:
        await intake.respond(scope, receive, send)
        return
    answered = False

    async def note(message: Mapping[str, Any]) -> None:
        nonlocal answered
        answered = True
        await send(message)

    await django(scope, receive, note)
    if not answered:  # Django leaves whom it takes for gone; the server would make up a 500
        await intake.refuse(send, intake.broken_off())
