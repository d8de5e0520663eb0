"""Many rows in one statement with one value: as separate values each is prepared, quoted and parsed by itself."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import connection
from django.db.models import Model


def insert[M: Model](rows: Sequence[M]) -> None:
    """As `bulk_create`, of rows of one model whose every column is set, the key too."""
    if not rows:
        return
    options, quoted = rows[0]._meta, connection.ops.quote_name
    fields = [(each.attname, str(each.column), each.db_type(connection)) for each in options.concrete_fields]
    columns = ", ".join(quoted(column) for _name, column, _type in fields)
    typed = ", ".join(f"{quoted(column)} {type_}" for _name, column, type_ in fields)
    values = [{column: getattr(row, name) for name, column, _type in fields} for row in rows]
    statement = f"""INSERT INTO {quoted(options.db_table)} ({columns})
        SELECT {columns} FROM json_to_recordset(%s::json) AS given({typed})"""  # names of the model
    with connection.cursor() as cursor:
        cursor.execute(statement, [json.dumps(values, ensure_ascii=False, default=_text)])
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def _text(value: object) -> str:
    """Numbers stay exact as text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{value!r} has no column type")
