"""The suite runs on services of its own."""

import threading

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, connections


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
