"""The project's settings, made quick and isolated for tests. tests/services.py sets the rest."""

import os

from portal.settings import *
from portal.settings import CACHES, DATABASES, INSTALLED_APPS, REDIS_URL, VAR_DIR

# Tests with transactions of their own end with a quick way to empty the database.
INSTALLED_APPS = ["tests.quick_flush", *INSTALLED_APPS]

# Scrypt is slow on purpose; a test which signs an officer in need not wait for it.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Nudges end in this process's memory. A test of the real broker runs a site of its own (site_env).
CELERY_BROKER_URL = "memory://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {}

EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

if REDIS_URL:
    # One cache number for each worker of xdist: a test which clears the cache clears its own.
    _worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    CACHES["default"]["OPTIONS"] = {**CACHES["default"]["OPTIONS"], "db": _worker + 1}
else:
    # A file, as in the embedded default: threads in a memory database would share one lock.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
