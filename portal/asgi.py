"""The ASGI application that `serve` and `demo` run: events go straight to intake, all else to Django."""

import gc
from typing import Any

from django.core.exceptions import RequestAborted

from portal.starting import set_up

set_up()

from portal import intake  # noqa: E402  (needs Django set up)
from portal.handler import Handler  # noqa: E402

handler = Handler()
gc.freeze()  # what is loaded stays: looking through it for garbage took a tenth of intake's time


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http" and scope["path"] == intake.PATH:
        await intake.respond(scope, receive, send)
        return
    try:
        await handler(scope, receive, send)
    except RequestAborted:  # the server would make up a 500
        await intake.refuse(send, intake.broken_off())
