"""The application's role: made before the first migration, given its rights after each."""

from django.conf import settings
from django.db import connections

from portal.databases import APP_ROLE

# Rows that nobody changes or removes once written; triggers say so too (billing/invoices/sql).
APPEND_ONLY = (
    *("invoices_invoice", "invoices_invoiceline", "invoices_invoicedocument", "invoices_payment"),
    *("invoices_ledgertransaction", "invoices_ledgerentry"),
    *("limits_limitversion", "plans_redemption"),
    *("usage_purgedevent", *(f"usage_purgedevent_{n}" for n in range(8))),
)


def app_role() -> str:
    """The role that the application's queries run as."""
    return APP_ROLE if _shared_login() else str(settings.DATABASES["default"]["USER"])


def ensure() -> None:
    """Make the role if a plain DATABASE_URL was given and it is missing."""
    if settings.EMBEDDED_POSTGRES or not _shared_login():
        return
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP_ROLE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE ROLE {APP_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS")
            cursor.execute(f"GRANT {APP_ROLE} TO CURRENT_USER")


def grant() -> None:
    """Let the role read and write every table, and append only where documents are kept."""
    role = connections["owner"].ops.quote_name(app_role())
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
        cursor.execute(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}")
        cursor.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}")
        tables = {table.name for table in connections["owner"].introspection.get_table_list(cursor)}
        for table in tables.intersection(APPEND_ONLY):
            cursor.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}")


def _shared_login() -> bool:
    return not settings.EMBEDDED_POSTGRES and "options" in settings.DATABASES["default"].get("OPTIONS", {})
