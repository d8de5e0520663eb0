"""What the card provider tells us by itself, signed: a payment succeeded or failed, a card was added or is gone.

Its words are not taken for it: the payment or card that a message names is asked about. So messages may come late,
twice and in any order.
"""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.middleware import own_scope
from billing.payments.cards import keep_card, note_removed
from billing.payments.paying import attempt_of, settle
from billing.payments.providers import card_provider
from billing.payments.providers.base import News, Provider, Unavailable, Untrusted


@csrf_exempt
@require_POST
@own_scope
def stripe_news(request: HttpRequest) -> HttpResponse:
    """400 if it is not signed as it must be; 503, so that it comes again, if the provider does not answer."""
    provider = card_provider()
    if provider is None:
        return JsonResponse({"error": "No card provider is set up: set STRIPE_SECRET_KEY."}, status=404)
    try:
        _follow(provider, provider.news(request.body, request.headers))
    except Untrusted as error:
        return JsonResponse({"error": str(error)}, status=400)
    except Unavailable:
        return JsonResponse({"error": "The provider did not answer."}, status=503)
    return HttpResponse(status=204)


def _follow(provider: Provider, news: News) -> None:
    if news.payment:
        outcome = provider.outcome(news.payment)
        attempt = attempt_of(outcome)
        if attempt is not None:
            settle(attempt, outcome)
    elif news.setup:
        keep_card(provider.setup(news.setup))
    elif news.removed:
        note_removed(news.removed)
