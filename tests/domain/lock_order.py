"""Which rows a verb locks, in which order: read off PostgreSQL's row headers.

Each statement that locks rows of a table (SELECT ... FOR UPDATE, UPDATE, DELETE) leaves its mark in
xmax of each of them, or makes a new version: rows whose marks differ before and after it have been
locked by it. Locks of foreign keys (FOR KEY SHARE) stand in nobody's way and are not counted; new
rows are nobody's to wait for.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

# docs/decisions/0014-locks.md
ORDER = [
    "appointments_outage",
    "appointments_plan",
    "appointments_region",
    "appointments_application",
    "appointments_slot",
    "appointments_appointment",
    "appointments_offer",
    "appointments_hold",
    "notifications_message",
]
BY_ID = {"appointments_slot", "appointments_appointment"}
LOCKING = re.compile(
    r'^(?:UPDATE "(?P<update>\w+)"|DELETE FROM "(?P<delete>\w+)"'
    r'|SELECT .*? FROM "(?P<select>\w+)".* FOR (?:NO KEY )?UPDATE)',
    re.DOTALL,
)
ORDERED = re.compile(r'ORDER BY (?:"\w+"\.)?"?(?:id|1)"? ASC.* FOR (?:NO KEY )?UPDATE', re.DOTALL)

Rows = dict[int, tuple[Any, ...]]


@dataclass
class Locks:
    """What one transaction has locked so far, and where it broke the order."""

    # Rows that others can see: not those that the verb itself has made.
    known: dict[str, set[int]]
    held: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)

    @property
    def tables(self) -> list[str]:
        """In the order of their first lock, without the app's name."""
        return [table.partition("_")[2] for table in self.held]

    def add(self, table: str, rows: Rows, sql: str) -> None:
        mine = set(self.held[table])
        new = {pk: row for pk, row in rows.items() if pk in self.known[table] - mine}
        if not new:
            if not self.held[table]:
                del self.held[table]
            return
        later = [t for t in self.held if t != table and ORDER.index(t) > ORDER.index(table)]
        if later and not self._guarded(table, new):
            self.wrong.append(f"{table} {sorted(new)} after {later}: {sql}")
        if table in BY_ID and not self._guarded(table, new):
            self._check_ids(table, new, sql)
        self.held[table] += sorted(new)

    def _check_ids(self, table: str, new: Rows, sql: str) -> None:
        if self.held[table] and min(new) < max(self.held[table]):
            self.wrong.append(f"{table} {sorted(new)} after {self.held[table]}: {sql}")
        if len(new) > 1 and not ORDERED.search(sql):
            self.wrong.append(f"{table} {sorted(new)} in no order: {sql}")

    def _guarded(self, table: str, new: Rows) -> bool:
        """An appointment with a seat is locked by nobody who has not locked the slot before."""
        slots = self.held.get("appointments_slot", [])
        return table == "appointments_appointment" and all(row[-1] in slots for row in new.values())


def _rows(table: str) -> Rows:
    guard = "slot_id" if table == "appointments_appointment" else "NULL"
    cursor = connection.connection.cursor()  # past Django's wrappers
    cursor.execute(f"SELECT id, xmin::text, xmax::text, ctid::text, {guard} FROM {table}")
    return {row[0]: row[1:] for row in cursor.fetchall()}


@contextmanager
def watched_locks() -> Iterator[Locks]:
    """The locks that the verb within takes; one verb, one transaction."""
    connection.ensure_connection()
    locks = Locks(known={table: set(_rows(table)) for table in ORDER})

    def watch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        found = LOCKING.match(sql)
        table = found and (found["update"] or found["delete"] or found["select"])
        if table not in ORDER:
            return execute(sql, params, many, context)
        before = _rows(table)
        answer = execute(sql, params, many, context)
        after = _rows(table)
        changed = {pk: row for pk, row in before.items() if after.get(pk) != row}
        locks.add(table, changed, sql[:400])
        return answer

    with connection.execute_wrapper(watch):
        yield locks
