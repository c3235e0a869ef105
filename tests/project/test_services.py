"""The suite runs on services of its own."""

import threading

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from appointments.models import Region
from tests.quick_flush.management.commands import flush as quick


@pytest.mark.django_db
def test_database_of_the_run_listens_on_no_port(on_postgresql: bool) -> None:
    if not on_postgresql:
        pytest.skip("SQLite has no server")
    with connection.cursor() as cursor:
        cursor.execute("show listen_addresses")
        assert cursor.fetchone() == ("",)


def test_cache_is_shared_by_threads() -> None:
    writer = threading.Thread(target=cache.set, args=("seat", "kept"))
    writer.start()
    writer.join()
    assert cache.get("seat") == "kept"


def test_nudges_go_to_no_real_broker() -> None:
    assert settings.CELERY_BROKER_URL == "memory://"


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_database_takes_250_connections_at_once() -> None:
    everyone_is_in = threading.Barrier(250, timeout=60)
    answers: list[object] = []

    def connect() -> None:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
            everyone_is_in.wait()
            answers.append(cursor.fetchone())
        connections.close_all()

    threads = [threading.Thread(target=connect) for _ in range(250)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [(1,)] * 250


@pytest.mark.race
class TestQuickFlush:
    """tests/quick_flush: nothing that a test wrote is there for the next."""

    @pytest.fixture(autouse=True)
    def _begin(self, transactional_db: None) -> None:
        call_command("flush", interactive=False, verbosity=0)  # whatever ran before

    @staticmethod
    def rows() -> dict[str, int]:
        """Tables that hold rows -> how many."""
        found = {}
        with connection.cursor() as cursor:
            for table in connection.introspection.django_table_names(only_existing=True):
                cursor.execute(f'SELECT count(*) FROM "{table}"')
                found[table] = cursor.fetchone()[0]
        return {table: count for table, count in found.items() if count}

    def test_leaves_content_types_and_permissions_alone(self) -> None:
        kept = self.rows()
        assert kept.keys() == quick.KEPT
        call_command("load_reference", verbosity=0)
        assert self.rows().keys() > kept.keys()
        call_command("flush", interactive=False, verbosity=0)
        assert self.rows() == kept

    def test_large_table_is_truncated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        call_command("load_reference", verbosity=0)
        monkeypatch.setattr(quick, "FEW", 10)
        with CaptureQueriesContext(connection) as queries:
            call_command("flush", interactive=False, verbosity=0)
        assert any("TRUNCATE" in query["sql"] for query in queries)
        assert self.rows().keys() == quick.KEPT

    def test_missing_permissions_are_made_anew(self) -> None:
        Permission.objects.all().delete()
        call_command("flush", interactive=False, verbosity=0)
        assert Permission.objects.exists()

    def test_waits_for_a_thread_that_still_writes(self) -> None:
        written, flushed = threading.Event(), threading.Event()
        waited: list[bool] = []

        def write() -> None:
            with transaction.atomic():
                Region.objects.create(code="late", name_en="Late", name_hi="देर")
                written.set()
                waited.append(not flushed.wait(0.3))
            connections.close_all()

        writer = threading.Thread(target=write)
        writer.start()
        written.wait()
        call_command("flush", interactive=False, verbosity=0)
        flushed.set()
        writer.join()
        assert waited == [True]
        assert self.rows().keys() == quick.KEPT
