"""Django's `flush`, which a test with transactions of its own ends with, for small tables.

Django truncates every table and then makes content types and permissions anew, which takes longer
than most of these tests. Here the tables that hold rows are emptied, and those two, which no test
changes, stay. After a test that filled a table with thousands of rows Django's own way is quicker.
"""

from typing import Any

from django.core.management.commands import flush
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

KEPT = {"django_content_type", "auth_permission"}
FEW = 20_000  # rows of a table


class Command(flush.Command):
    def handle(self, **options: Any) -> None:
        connection = connections[options["database"]]
        if connection.vendor != "postgresql" or not _emptied(connection):
            super().handle(**options)


def _emptied(connection: BaseDatabaseWrapper) -> bool:
    """False, and nothing has changed: a table holds many rows, or a kept one holds none."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        # As TRUNCATE does: wait for whoever still writes, and let nobody begin.
        cursor.execute("SET LOCAL lock_timeout = 0")
        names = [sql.Identifier(table) for table in tables]
        cursor.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(sql.SQL(", ").join(names)))
        count = sql.SQL("(SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS few)")
        counts = sql.SQL(", ").join(count.format(name, FEW + 1) for name in names)
        cursor.execute(sql.SQL("SELECT {}").format(counts))
        rows = dict(zip(tables, cursor.fetchone(), strict=True))
        if max(rows.values()) > FEW or not all(rows[table] for table in KEPT):
            return False
        # Every table that points to another is emptied with it: triggers need not look.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in tables:
            if rows[table] and table not in KEPT:
                cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    return True
