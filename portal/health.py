"""`/healthz`: the process answers. `/readyz`: the database answers and its schema is this version's."""

from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.cache import never_cache

from accounts.middleware import own_scope

_migrated = False


@own_scope
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok", content_type="text/plain")


@own_scope
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 with every check true, else 503 and which one is not."""
    checks = {"database": False, "migrations": False}
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
        checks["database"] = True
        checks["migrations"] = _is_migrated()
    except DatabaseError:
        pass
    return JsonResponse(checks, status=200 if all(checks.values()) else 503)


def _is_migrated() -> bool:
    """Asked until it is true: a schema does not go back under a running server."""
    global _migrated  # noqa: PLW0603
    if not _migrated:
        executor = MigrationExecutor(connections["default"])
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _migrated


urlpatterns = [path("healthz", healthz, name="healthz"), path("readyz", readyz, name="readyz")]
