"""What one could do instead of an outbox: a Celery task for each message.

celery -A bench.messages_rivals worker -Q one_by_one
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("one_by_one", set_as_current=False, include=["bench.messages_tasks"])
app.config_from_object("django.conf:settings", namespace="CELERY")
# As Celery comes, and not as this portal sets it up for its nudges: taken off the queue at the
# start, four fetched at once. Both are quicker.
app.conf.update(
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    worker_prefetch_multiplier=4,
    task_create_missing_queues=True,
    task_queues=None,
    task_routes=None,
    task_default_queue="one_by_one",
    # Celery closes the database's connection after every task unless it is told otherwise.
    db_reuse_max=int(os.environ["BENCH_DB_REUSE"]) if os.environ.get("BENCH_DB_REUSE") else None,
)
