"""localstripe, a stateful stand-in of Stripe's API, on loopback: `python -m tests.payments.localstripe PORT`.

Added to it is what Stripe does and it does not: the answer to a key that was used before is the first one, what was
received is said, and parameters that it does not know yet are no error.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from localstripe import resources
from localstripe.server import app

UNKNOWN = ("use_stripe_sdk", "description")

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
answers: dict[str, tuple[int, bytes]] = {}


@web.middleware
async def same_answer_to_a_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    key = request.headers.get("Idempotency-Key", "")
    if key in answers:
        status, body = answers[key]
        return web.Response(status=status, body=body, content_type="application/json")
    answer = await handler(request)
    if request.method == "DELETE" and request.path == "/_config/data":
        answers.clear()
    if key and isinstance(answer, web.Response) and isinstance(answer.body, bytes):
        answers[key] = answer.status, answer.body
    return answer


def main() -> None:
    resources.Store.dump_to_disk = lambda self: None
    intents, create, every = (
        resources.PaymentIntent,
        resources.PaymentIntent._api_create,
        resources.PaymentIntent._api_list_all,
    )
    intents._api_create = lambda **data: create(**{name: data[name] for name in data if name not in UNKNOWN})
    intents.amount_received = property(lambda one: one.amount if one.status == "succeeded" else 0)

    def of_customer(url: str, customer: str = "", **data: Any) -> Any:
        found = every(url, **data)
        found._list = [one for one in found._list if customer in ("", one.customer)]
        return found

    intents._api_list_all = of_customer
    app.middlewares.insert(0, same_answer_to_a_key)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=lambda words: None)


if __name__ == "__main__":
    main()
