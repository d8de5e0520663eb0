"""POST /events/ and GET /events/usage/?subject=…"""

from django.db.models import Sum
from django.urls import include, path
from rest_framework import routers, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tests.benchmarks.naive.models import Event


class EventSerializer(serializers.ModelSerializer[Event]):
    class Meta:
        model = Event
        fields = ["id", "subject", "event_id", "type", "time", "tokens", "data"]


class EventViewSet(viewsets.ModelViewSet[Event]):
    queryset = Event.objects.all()
    serializer_class = EventSerializer

    @action(detail=False)
    def usage(self, request: Request) -> Response:
        rows = Event.objects.filter(subject=request.query_params["subject"])
        return Response(rows.aggregate(tokens=Sum("tokens")))


router = routers.SimpleRouter()
router.register("events", EventViewSet)
urlpatterns = [path("", include(router.urls))]
