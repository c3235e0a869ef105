"""Settings, read from the environment (and a .env file beside manage.py, if there is one).

With nothing set the project runs on the embedded default: SQLite, Celery over the file system,
demo mode, debug off. `DATABASE_URL` and `REDIS_URL` switch to PostgreSQL and Redis.
portal/checks.py refuses to start a public site on the conveniences of the demo.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from kombu import Exchange, Queue

from portal import file_broker
from portal.demo_contacts import DEMO_CONTACTS

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")

# --- What kind of site this is ----------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
# Demo mode shows second factors, one-time codes and a phone page. Never on for a real office.
DEMO_MODE = env.bool("DEMO_MODE", default=False)
DEMO_SECRET_KEY = "demo-only-not-a-secret-" + "0" * 40
SECRET_KEY = env.str("SECRET_KEY", default=DEMO_SECRET_KEY)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Host (and port) that messages link to; without scheme, because SMS counts letters.
SITE_HOST = env.str("SITE_HOST", default=f"127.0.0.1:{env.int('PORT', default=8000)}")
SITE_SCHEME = env.str("SITE_SCHEME", default="http")
OFFICE_NAME_EN = env.str("OFFICE_NAME_EN", default="Regional Passport Office, Bhopal")
OFFICE_NAME_HI = env.str("OFFICE_NAME_HI", default="क्षेत्रीय पासपोर्ट कार्यालय, भोपाल")
HELPLINE = env.str("HELPLINE", default="1800-258-1800")
# Who answers for the site. What is empty is not shown; the demo has invented contacts that say so.
_demo = DEMO_CONTACTS if DEMO_MODE else {}
OFFICE_ADDRESS_EN = env.str("OFFICE_ADDRESS_EN", default=_demo.get("address_en", ""))
OFFICE_ADDRESS_HI = env.str("OFFICE_ADDRESS_HI", default=_demo.get("address_hi", ""))
OFFICE_HOURS_EN = env.str("OFFICE_HOURS_EN", default=_demo.get("hours_en", ""))
OFFICE_HOURS_HI = env.str("OFFICE_HOURS_HI", default=_demo.get("hours_hi", ""))
OFFICE_EMAIL = env.str("OFFICE_EMAIL", default=_demo.get("email", ""))
GRIEVANCE_OFFICER_EN = env.str("GRIEVANCE_OFFICER_EN", default=_demo.get("grievance_en", ""))
GRIEVANCE_OFFICER_HI = env.str("GRIEVANCE_OFFICER_HI", default=_demo.get("grievance_hi", ""))
GRIEVANCE_EMAIL = env.str("GRIEVANCE_EMAIL", default=_demo.get("grievance_email", ""))
GRIEVANCE_PHONE = env.str("GRIEVANCE_PHONE", default=_demo.get("grievance_phone", ""))
DATA_OFFICER_EN = env.str("DATA_OFFICER_EN", default=_demo.get("data_en", ""))
DATA_OFFICER_HI = env.str("DATA_OFFICER_HI", default=_demo.get("data_hi", ""))
DATA_OFFICER_EMAIL = env.str("DATA_OFFICER_EMAIL", default=_demo.get("data_email", ""))
# What the foot of every page says of the site. Without a notice of the office's own it says that
# this is not the official site, or, where it is one, which office runs it.
SITE_IS_OFFICIAL = env.bool("SITE_IS_OFFICIAL", default=False)
SITE_NOTICE_EN = env.str("SITE_NOTICE_EN", default="")
SITE_NOTICE_HI = env.str("SITE_NOTICE_HI", default="")

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "appointments.apps.AppointmentsConfig",
    "accounts.apps.AccountsConfig",
    "notifications.apps.NotificationsConfig",
    "portal.apps.OfficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django.forms",
    "django_htmx",
    "crispy_forms",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Pages and, where collectstatic has not packed them already, files: a phone on 2G waits for
    # each kilobyte. Django masks the form's secret and pads the answer (BREACH).
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.middleware.SecurityHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.middleware.LanguageMiddleware",
    "portal.middleware.TooManyTriesMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.OfficerSecondFactorMiddleware",
    "accounts.middleware.DeviceMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context_processors.office",
            ],
        },
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = "office"
CRISPY_TEMPLATE_PACK = "office"
CRISPY_FAIL_SILENTLY = False

# --- Data -------------------------------------------------------------------------------------
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var")))
VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{VAR_DIR / 'portal.sqlite3'}")
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Web, worker and beat write to one file: WAL lets readers go on, IMMEDIATE makes a writer
    # queue for the lock at its start, where waiting is safe, rather than half-way.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # A request which waits longer than this for a lock is refused in words, not kept hanging.
    # No page's query is worth compiling: that takes a second, and rows are looked at one by one.
    _limits = {"lock_timeout": "10s", "jit": "off"}
    # Nor does one statement run for ever, or a process that hangs keep its locks, where people
    # wait: deploy/Procfile and the units say the limit. Migrations, loads and other commands of
    # manage.py take their time.
    if STATEMENT_TIMEOUT := env.str("STATEMENT_TIMEOUT", default=""):
        _limits["statement_timeout"] = STATEMENT_TIMEOUT
        _limits["idle_in_transaction_session_timeout"] = "120s"  # a plan is solved under its locks
    DATABASES["default"].setdefault("OPTIONS", {})
    DATABASES["default"]["OPTIONS"].setdefault(
        "options", " ".join(f"-c {name}={limit}" for name, limit in _limits.items())
    )
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
CACHES: dict[str, dict[str, Any]]
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": env.str("CACHE_REDIS_URL", default=REDIS_URL),
            "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        }
    }
else:
    # Shared by web, worker and beat: sign-in limits must not be per process.
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": VAR_DIR / "cache",
        }
    }

# --- Celery: the broker carries nudges only; the database holds the work ------------------------
# kombu has a word of its own for a Redis behind a Unix socket.
CELERY_BROKER_URL = (
    REDIS_URL.replace("unix://", "redis+socket://", 1)
    if REDIS_URL
    else f"{file_broker.SCHEME}://localhost"
)
CELERY_TASK_IGNORE_RESULT = True
# A task is taken off the queue when it is done, so that a killed worker's is done by another; all
# tasks may run twice (the database decides), and none is put off by Celery (no ETA, no countdown:
# one longer than the visibility timeout would start several times).
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 60
CELERY_TASK_SOFT_TIME_LIMIT = 50
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "Asia/Kolkata"
# Each queue is read by a worker of its own (deploy/Procfile; a test compares the two): a long plan
# holds up no SMS, and a rush of SMS no seat that runs out. A queue not named here is refused.
# Each needs its own exchange and key, or every queue would get what any queue gets.
CELERY_TASK_QUEUES = [
    Queue(name, Exchange(name), routing_key=name)
    for name in ("urgent", "messages", "plans", "housekeeping")
]
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_DEFAULT_QUEUE = "housekeeping"
CELERY_TASK_ROUTES = {
    "notifications.tasks.deliver": {"queue": "messages"},
    # The urgent lane's worker is never held up for long, so that what was lost is found in time.
    "notifications.tasks.sweep": {"queue": "urgent"},
    "appointments.tasks.settle_plans": {"queue": "plans"},
    "appointments.tasks.decide_plans": {"queue": "plans"},
    "appointments.tasks.decide_plan": {"queue": "plans"},
}
if REDIS_URL:
    CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {
        "visibility_timeout": 120,  # more than the task time limit, or work starts twice
        # Without them a dead Redis holds a web request for ever.
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        # A connection that died unseen (a firewall, a restart) is found before it is used.
        "health_check_interval": 25,
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = file_broker.transport_options(
        VAR_DIR / "broker", [queue.exchange.name for queue in CELERY_TASK_QUEUES]
    )
    # Each worker would bind to tables that all share; nobody controls the demo's from afar.
    CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
_sweep_seconds = env.int("MESSAGE_SWEEP_SECONDS", default=10)
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep-messages": {
        "task": "notifications.tasks.sweep",
        "schedule": timedelta(seconds=_sweep_seconds),
        # Until the next one comes; but a worker that is always a moment late must find one.
        "options": {"expires": max(_sweep_seconds, 5)},
    },
    "expire-holds": {
        "task": "appointments.tasks.expire_holds",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "close-silent-offers": {
        "task": "appointments.tasks.close_silent_offers",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "settle-plans": {
        "task": "appointments.tasks.settle_plans",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "decide-plans": {
        "task": "appointments.tasks.decide_plans",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "offer-seats": {
        "task": "appointments.tasks.offer_seats",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "remind-of-visits": {
        "task": "appointments.tasks.remind_of_visits",
        "schedule": crontab(hour="18,19", minute="*"),
        "options": {"expires": 60},
    },
    "alert-officers": {
        "task": "appointments.tasks.alert_officers",
        "schedule": timedelta(minutes=1),
        "options": {"expires": 60},
    },
    "open-slots": {
        "task": "appointments.tasks.open_slots",
        "schedule": crontab(hour=0, minute=5),
    },
    "forget-proofs": {
        "task": "appointments.tasks.forget_proofs",
        "schedule": crontab(minute=20),
        "options": {"expires": 3600},
    },
    "forget-looks": {
        "task": "appointments.tasks.forget_looks",
        "schedule": crontab(hour=3, minute=40),
        "options": {"expires": 3600},
    },
    "forget-calls": {
        "task": "appointments.tasks.forget_calls",
        "schedule": crontab(minute=25),
        "options": {"expires": 3600},
    },
    "forget-accounts": {
        "task": "accounts.tasks.forget",
        "schedule": crontab(minute=35),
        "options": {"expires": 3600},
    },
}

# --- Sign-in ----------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "account_request_login_code"
LOGIN_REDIRECT_URL = "appointments:mine"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
# Applicants sign in by codes of accounts/sign_in.py; allauth carries the officers' password and
# second factor. Nobody signs up: see docs/decisions/0009-sign-in.md.
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
# Its counters lie in the cache, where parallel processes can slip past them and from where they
# vanish; SIGN_IN_LIMITS holds instead.
ACCOUNT_RATE_LIMITS = False
MFA_ADAPTER = "accounts.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = OFFICE_NAME_EN
MFA_TOTP_TOLERANCE = 1  # steps of 30 seconds by which a phone's clock may be off
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "activate_totp": "accounts.officer_forms.SetUpAppForm",
    "authenticate": "accounts.officer_forms.SecondFactorForm",
    "reauthenticate": "accounts.officer_forms.SecondFactorAgainForm",
}
ACCOUNT_FORMS = {"reauthenticate": "accounts.officer_forms.PasswordAgainForm"}
# Proxies in front whose X-Forwarded-For is believed. With 0 behind a proxy all visitors would
# share its address and its limits; portal/checks.py refuses that.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
# Phones and computers are shared: an applicant signs in again after a day, an officer after a
# working day at most, whatever they did meanwhile.
SESSION_COOKIE_AGE = 24 * 3600
OFFICER_SESSION = timedelta(hours=env.int("OFFICER_SESSION_HOURS", default=8))
SIGN_IN_CODE_TRIES = 3
# Limit -> steps of (how many, within what time), all of which hold. accounts/limits.py counts.
SIGN_IN_LIMITS: dict[str, list[tuple[int, timedelta]]] = {
    # Codes to one number or mail address: then from one network, then from anywhere, so that
    # somebody who asks for codes of others does not lock these out of their own network.
    "wait_for_next_code": [(1, timedelta(seconds=30))],
    "address_here": [(4, timedelta(hours=1)), (8, timedelta(days=1))],
    "address": [(8, timedelta(hours=1)), (15, timedelta(days=1))],
    # Codes to new numbers and addresses that one account asks for.
    "address_by_account": [(10, timedelta(hours=1)), (20, timedelta(days=1))],
    # A mobile carrier puts hundreds of subscribers behind one address.
    "network": [(150, timedelta(minutes=10)), (3000, timedelta(days=1))],
    # What sending SMS at the office's cost may cost at most.
    "new_numbers": [(env.int("SMS_TO_NEW_NUMBERS_PER_DAY", default=5000), timedelta(days=1))],
    "all_sms": [(env.int("SIGN_IN_SMS_PER_DAY", default=60000), timedelta(days=1))],
    # Wrong passwords and wrong second factors of officers.
    "officer_here": [(5, timedelta(minutes=15)), (30, timedelta(days=1))],
    "officer": [(60, timedelta(hours=1))],
    "officer_network": [(60, timedelta(minutes=15))],
    "second_factor": [(5, timedelta(minutes=5)), (40, timedelta(days=1))],
    # Guessing of application numbers with birth dates, and of the tokens of message links.
    "claim_by_account": [(10, timedelta(hours=1)), (30, timedelta(days=1))],
    "claim_by_arn": [(5, timedelta(hours=1)), (15, timedelta(days=1))],
    "claim_by_network": [(200, timedelta(minutes=10))],
    "unknown_link": [(60, timedelta(minutes=10))],
    # Files sent by one account: judging one takes up to a second.
    "files_by_account": [(12, timedelta(hours=1)), (40, timedelta(days=1))],
    # Seats kept by one message link, one at a time, before anybody has signed in.
    "link_hold": [(12, timedelta(minutes=10)), (40, timedelta(days=1))],
    # "Is my appointment affected?", right answers too. On the day of an outage everybody behind
    # a carrier's address asks; of one number fewer may be asked than would pay for guessing.
    "affected_by_network": [(600, timedelta(minutes=10)), (10000, timedelta(days=1))],
    "affected_by_arn": [(8, timedelta(hours=1)), (20, timedelta(days=1))],
}
# How often an open status page looks whether anything has changed.
STATUS_POLL_SECONDS = 60
# The same of an officer's page of a batch whose messages are leaving.
BATCH_POLL_SECONDS = 5

# --- Messages ---------------------------------------------------------------------------------
# Channel -> its gateways, the preferred one first: names of notifications.gateways.KNOWN, or dotted
# paths. The file gateway is for demo and development; emails go there too until a mail server is
# named.
EMAIL_HOST = env.str("EMAIL_HOST", default="")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_TIMEOUT = 10
# A provider of emails other than a mail server (EMAIL_GATEWAY=anymail): the class of django-anymail
# that speaks to it, and its options, ANYMAIL_POSTMARK_SERVER_TOKEN and so on. Receipts come to
# /callbacks/anymail/, guarded by ANYMAIL_WEBHOOK_SECRET or the provider's own signature.
ANYMAIL_BACKEND = env.str("ANYMAIL_BACKEND", default="")
ANYMAIL = {
    name.removeprefix("ANYMAIL_"): value
    for name, value in env.ENVIRON.items()
    if name.startswith("ANYMAIL_") and name != "ANYMAIL_BACKEND" and value
}
MESSAGE_GATEWAYS = {
    "sms": env.list("SMS_GATEWAY", default=["file"]),
    "email": env.list("EMAIL_GATEWAY", default=["smtp" if EMAIL_HOST else "file"]),
}
# Gateway -> SMS parts (or emails) a second that it may be given by all workers together. One that
# is not named has no limit.
GATEWAY_RATES: dict[str, float] = {
    name: float(rate) for name, rate in env.dict("GATEWAY_RATES", default={}).items()
}
# Gateways over HTTP: their addresses, without a path, and what they know the office by.
MSG91_URL = env.str("MSG91_URL", default="https://control.msg91.com")
MSG91_AUTHKEY = env.str("MSG91_AUTHKEY", default="")
# What the variables of the templates in its panel are called, before their number: VAR1, VAR2 ...
MSG91_VARIABLE = env.str("MSG91_VARIABLE", default="VAR")
MOBILE_SEVA_URL = env.str("MOBILE_SEVA_URL", default="https://msdgweb.mgov.gov.in")
MOBILE_SEVA_USERNAME = env.str("MOBILE_SEVA_USERNAME", default="")
MOBILE_SEVA_PASSWORD = env.str("MOBILE_SEVA_PASSWORD", default="")
MOBILE_SEVA_SECURE_KEY = env.str("MOBILE_SEVA_SECURE_KEY", default="")
# Kinds of message that are one-time codes, for which it has a lane of their own.
MOBILE_SEVA_CODE_KINDS = env.list("MOBILE_SEVA_CODE_KINDS", default=["OTP"])
# A proxy through which the office reaches gateways over HTTP: http://host:port.
MESSAGE_HTTP_PROXY = env.str("MESSAGE_HTTP_PROXY", default="")
MESSAGE_FILE_SINK = Path(env.str("MESSAGE_FILE_SINK", default=str(VAR_DIR / "phone.jsonl")))
# SMPP: an account at an operator or a provider. Operators differ in the tags of DLT's parameters,
# in how they write message ids in answers and in receipts (text, decimal, hex), and in how many
# binds they allow: docs/smpp.md.
SMPP_HOST = env.str("SMPP_HOST", default="")
SMPP_PORT = env.int("SMPP_PORT", default=2775)
SMPP_TLS = env.bool("SMPP_TLS", default=False)
SMPP_SYSTEM_ID = env.str("SMPP_SYSTEM_ID", default="")
SMPP_PASSWORD = env.str("SMPP_PASSWORD", default="")
SMPP_SYSTEM_TYPE = env.str("SMPP_SYSTEM_TYPE", default="")
SMPP_BIND = env.str("SMPP_BIND", default="transmitter")
SMPP_ONLY_BIND = env.bool("SMPP_ONLY_BIND", default=False)
SMPP_TAG_ENTITY = int(env.str("SMPP_TAG_ENTITY", default="0x1400"), 0)
SMPP_TAG_TEMPLATE = int(env.str("SMPP_TAG_TEMPLATE", default="0x1401"), 0)
# 0: the operator has no parameter for a reference of ours.
SMPP_TAG_REFERENCE = int(env.str("SMPP_TAG_REFERENCE", default="0"), 0)
SMPP_RESPONSE_IDS = env.str("SMPP_RESPONSE_IDS", default="text")
SMPP_RECEIPT_IDS = env.str("SMPP_RECEIPT_IDS", default="text")
# An SMSC that is asked too much rests so long; a connection silent for so long is asked whether it
# is alive.
SMPP_THROTTLE_SECONDS = env.int("SMPP_THROTTLE_SECONDS", default=5)
SMPP_ENQUIRE_SECONDS = env.int("SMPP_ENQUIRE_SECONDS", default=30)
# The operator's own codes that mean "later"; others refuse a message for good.
SMPP_TRANSIENT_STATUSES = frozenset(
    int(status, 0) for status in env.list("SMPP_TRANSIENT_STATUSES", default=[])
)
SMS_BRAND = env.str("SMS_BRAND", default="-PSKMP")
# Sites that the office has had whitelisted by the operators: no filed SMS may link to another.
DLT_URL_HOSTS = [host.lower() for host in env.list("DLT_URL_HOSTS", default=[SITE_HOST])]
# Seconds: a worker's turn; the longest call of a gateway; how long a claimed message belongs to
# its worker. notifications/checks.py holds them against each other and against Celery's limits.
MESSAGE_RUN_SECONDS = env.int("MESSAGE_RUN_SECONDS", default=5)
MESSAGE_CALL_SECONDS = env.int("MESSAGE_CALL_SECONDS", default=20)
MESSAGE_LEASE_SECONDS = env.int("MESSAGE_LEASE_SECONDS", default=60)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="portal@passport-portal.invalid")

# So many messages in trouble (of a region, within a day), and its officers are alerted.
ALERT_TROUBLED_MESSAGES = env.int("ALERT_TROUBLED_MESSAGES", default=5)

# --- Rules of the office (an office may set its own numbers) ------------------------------------
HOLD_MINUTES = 10
GRACE_MINUTES = env.int("GRACE_MINUTES", default=10)
# A plan whose hour has passed for longer is held back (docs/decisions/0026-decide-by.md).
DECIDE_BY_LATE_MINUTES = env.int("DECIDE_BY_LATE_MINUTES", default=60)
HORIZON_WORKING_DAYS = env.int("HORIZON_WORKING_DAYS", default=45)
BOOKING_LEAD_HOURS = env.int("BOOKING_LEAD_HOURS", default=18)
# Seats for those who wait or were moved (docs/decisions/0021-waiting-list.md).
WAITING_LIST_KM = env.int("WAITING_LIST_KM", default=60)
WAITING_LIST_SILENT = env.int("WAITING_LIST_SILENT", default=3)
EARLIER_SEAT_DAYS = env.int("EARLIER_SEAT_DAYS", default=2)
EARLIER_SEATS_OPEN = env.int("EARLIER_SEATS_OPEN", default=300)
# The call list: how long a person is an officer's alone, and the rest after a call nobody answered.
CALL_LEASE_MINUTES = env.int("CALL_LEASE_MINUTES", default=10)
CALL_AGAIN_MINUTES = env.int("CALL_AGAIN_MINUTES", default=30)

# --- Files that people send (proofs of travel) ----------------------------------------------------
# Outside of everything that is served; a folder of its own for backups and permissions.
PRIVATE_FILES_DIR = Path(env.str("PRIVATE_FILES_DIR", default=str(VAR_DIR / "private")))
FILE_MEGABYTES = env.int("FILE_MEGABYTES", default=5)
PROOF_KEPT_DAYS = env.int("PROOF_KEPT_DAYS", default=30)
TRAVEL_DAYS_AHEAD = env.int("TRAVEL_DAYS_AHEAD", default=180)
FILE_UPLOAD_HANDLERS = [
    "appointments.uploads.LimitedUpload",  # first: what is too large reaches no other
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

# --- Language and time --------------------------------------------------------------------------
LANGUAGE_CODE = "hi"
LANGUAGES = [("hi", _("Hindi")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
TIME_ZONE = "Asia/Kolkata"
USE_TZ = True
USE_I18N = True

# --- Static files -------------------------------------------------------------------------------
STATIC_URL = "static/"
# Served straight from the packages, so that `make run` needs no collectstatic (12-16 s).
WHITENOISE_USE_FINDERS = env.bool("STATIC_FROM_FINDERS", default=True)
_static_dir = env.str("STATIC_DIR", default=str(BASE_DIR / "staticfiles"))
STATIC_ROOT = None if WHITENOISE_USE_FINDERS else Path(_static_dir)
# How long a browser keeps a file without asking again. Files of collectstatic carry a hash in their
# names and are kept for ever.
WHITENOISE_MAX_AGE = 0 if DEBUG else 3600
# A file that collectstatic has not seen is served under its plain name rather than with an error:
# the pages for errors need the style sheet too.
WHITENOISE_MANIFEST_STRICT = False
_files = "django.core.files.storage.FileSystemStorage"
_found = "django.contrib.staticfiles.storage.StaticFilesStorage"
_packed = "whitenoise.storage.CompressedManifestStaticFilesStorage"
STORAGES = {
    "default": {"BACKEND": _files},
    "staticfiles": {"BACKEND": _found if WHITENOISE_USE_FINDERS else _packed},
}

# --- Security -----------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "portal.views.errors.csrf_failure"
_https = SITE_SCHEME == "https"
SECURE_SSL_REDIRECT = _https
# A load balancer asks over plain HTTP inside.
SECURE_REDIRECT_EXEMPT = [r"^healthz/$"]
SECURE_HSTS_SECONDS = 31536000 if _https else 0
# Whether HSTS binds all subdomains of an office, and the preload list, is the office's to decide.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
# No cookie of its own: the privacy page names all cookies.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
if env.bool("BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- API ----------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.api.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
        "rest_framework.throttling.ScopedRateThrottle",
    ],
    # Signing in has limits of its own beside these (SIGN_IN_LIMITS), which hold exactly.
    "DEFAULT_THROTTLE_RATES": {"anon": "120/min", "user": "240/min", "sign_in": "60/min"},
    # Without it everybody could name their own address and so have no limit.
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
    "EXCEPTION_HANDLER": "appointments.api.problems.problem",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Passport appointment portal",
    "DESCRIPTION": (
        "Everything that an applicant can do on the pages, and what officers and everybody can"
        " read, by the same rules and with the same refusals. How to sign in and book: docs/api.md."
    ),
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "PATH_CONVERTER_OVERRIDES": {
        "row": {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**63 - 1}
    },
    "ENUM_NAME_OVERRIDES": {
        "AppointmentState": "appointments.models.Appointment.State",
        "OfferState": "appointments.models.Offer.State",
        "OutageState": "appointments.models.Outage.State",
        "PlanState": "appointments.models.Plan.State",
    },
}

# --- Logs: one line each, never with personal data ----------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "filters": {
        "without_tokens": {"()": "portal.logs.WithoutTokens"},
        "without_refusals": {"()": "portal.logs.WithoutRefusals"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["without_tokens", "without_refusals"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    # Django's own handlers (while debugging, and of runserver) would write the same unmasked.
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": ["console"], "level": "INFO", "propagate": False},
        # A line for each SMS that leaves would be noise.
        "httpx": {"handlers": [], "level": "WARNING", "propagate": True},
        # What is odd about a PDF that somebody sent is no news.
        "pypdf": {"handlers": [], "level": "ERROR", "propagate": True},
    },
}
