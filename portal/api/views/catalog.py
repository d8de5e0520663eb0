"""What is sold: reading it, and loading a catalogue file."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from billing.plans.queries import meters_data, plans_data
from portal import acts
from portal.api.auth import api_key, require_installation
from portal.api.paging import page_of_list
from portal.api.parsers import (
    CatalogJSONParser,
    CatalogYAMLParser,
    OlderCatalogYAMLParser,
    TextCatalogYAMLParser,
)
from portal.api.query import read_query
from portal.api.schema import listed, paged
from portal.api.serializers.catalog import CatalogAnswer, MeterAnswer, PlanAnswer
from portal.api.views.base import ApiView


class MetersView(ApiView):
    @extend_schema(operation_id="list_meters", parameters=paged(), responses=listed(MeterAnswer))
    def get(self, request: Request) -> Response:
        """Every meter, by code."""
        return Response(page_of_list(request, meters_data(), "code"))


class PlansView(ApiView):
    @extend_schema(operation_id="list_plans", parameters=paged(), responses=listed(PlanAnswer))
    def get(self, request: Request) -> Response:
        """The newest version of every plan, by code; for an account's own key of those that customers may choose."""
        plans = plans_data()
        if api_key(request).account_id is not None:
            plans = [plan for plan in plans if plan["public"] and not plan["archived"]]
        return Response(page_of_list(request, plans, "code"))


class CatalogView(ApiView):
    parser_classes = (CatalogJSONParser, CatalogYAMLParser, OlderCatalogYAMLParser, TextCatalogYAMLParser)

    @extend_schema(
        operation_id="load_catalog",
        request={"application/json": OpenApiTypes.OBJECT, "application/yaml": OpenApiTypes.OBJECT},
        responses=CatalogAnswer,
    )
    def put(self, request: Request) -> Response:
        """Load a catalogue file: all of it or nothing. The same file again changes nothing."""
        require_installation(request, "Loading a catalogue")
        read_query(request)
        return Response(acts.load_catalog(request.data).as_data())
