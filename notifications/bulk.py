"""Rows that are each changed in their own way, in one statement.

PostgreSQL takes them as arrays. SQLite has none, and no network either: there each is a statement.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection


def update(
    table: str, *, types: Mapping[str, str], rows: Sequence[Sequence[Any]], also: str, where: str
) -> None:
    """Set the columns of `types` (name -> PostgreSQL's type) in the rows whose id comes last.

    `also`: what is set in all of them, and `where`: which of them, in SQL without values. No part
    of the SQL may come from outside.
    """
    if not rows:
        return
    if connection.vendor == "postgresql":
        _by_arrays(table, types, rows, also, where)
    else:
        _one_by_one(table, types, rows, also, where)


def _by_arrays(
    table: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]], also: str, where: str
) -> None:
    arrays = ", ".join(f"%s::{kind}[]" for kind in (*types.values(), "bigint"))
    changes = ", ".join(f"{name} = given.{name}" for name in types)
    sql = (
        f"UPDATE {table} SET {also}{changes}"  # noqa: S608 - of names in our own code
        f" FROM unnest({arrays}) AS given ({', '.join(types)}, id)"
        f" WHERE {table}.id = given.id{where}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(column) for column in zip(*rows, strict=True)])


def _one_by_one(
    table: str, types: Mapping[str, str], rows: Sequence[Sequence[Any]], also: str, where: str
) -> None:
    changes = ", ".join(f"{name} = %s" for name in types)
    sql = f"UPDATE {table} SET {also}{changes} WHERE {table}.id = %s{where}"  # noqa: S608 - as above
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)
