"""Public pages, the list of centres, health, robots, headers, and the pages of errors."""

from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import path

from accounts.models import User
from appointments.models import Outage
from portal.urls import handler500
from portal.urls import urlpatterns as site
from tests.domain.builders import make_centre
from tests.portal.conftest import Office, make_slot

pytestmark = pytest.mark.django_db
Declare = Callable[..., Outage]


# --- Home and centres ----------------------------------------------------------------------------


def test_home_on_a_good_day_says_that_services_run(client: Client, office: Office):
    page = client.get("/").text
    assert "सेवाएँ सामान्य रूप से चालू हैं" in page
    assert "नया SMS मिलने तक केंद्र न जाएँ" not in page


def test_home_during_an_outage_tells_first_not_to_travel(client: Client, declare: Declare):
    declare(left=0)
    page = client.get("/").text
    assert "सेवाएँ सामान्य रूप से चालू हैं" not in page
    assert page.index("केंद्र न जाएँ") < page.index("आपका पासपोर्ट अपॉइंटमेंट</h1>")
    assert "नया SMS मिलने तक केंद्र न जाएँ" in page


def test_footer_says_that_this_is_not_the_official_site(client: Client):
    page = client.get("/").text
    assert "आधिकारिक साइट नहीं है" in page
    assert "https://www.passportindia.gov.in" in page


def test_office_and_helpline_are_those_of_the_settings(client: Client):
    with override_settings(OFFICE_NAME_HI="क्षेत्रीय पासपोर्ट कार्यालय, रायपुर", HELPLINE="0771-1"):
        page = client.get("/").text
    assert "रायपुर" in page
    assert 'href="tel:07711">0771-1</a>' in page


def test_centres_all_at_work(client: Client, office: Office):
    page = client.get("/centres/").text
    assert "सभी 3 केंद्र सामान्य रूप से चालू हैं।" in page
    assert page.index("भोपाल") < page.index("सागर")


def test_centres_say_which_are_affected_and_how_far(
    client: Client, office: Office, declare: Declare
):
    declare(centres=[office.bhopal], left=0)
    declare(centres=[office.indore], left=30)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    page = client.get("/centres/").text
    assert "2 of 3 centres are affected." in page
    assert row_of(page, "BPL").count("Interrupted: do not travel") == 1
    assert "Partial service" in row_of(page, "IDR")
    assert "30 of 100 appointments" in row_of(page, "IDR")
    assert "Working normally" in row_of(page, "SGR")


def row_of(page: str, code: str) -> str:
    return page.split(f'id="{code}"')[1].split("</li>")[0]


def test_centre_under_two_cuts_shows_the_smaller(client: Client, office: Office, declare: Declare):
    declare(centres=[office.bhopal], left=50)
    declare(centres=[office.bhopal], left=20)
    assert "100 में से 20 अपॉइंटमेंट" in client.get("/centres/").text


# --- For machines --------------------------------------------------------------------------------


def test_health_is_ok_while_the_database_answers(client: Client):
    response = client.get("/healthz/")
    assert (response.status_code, response.text) == (200, "ok")
    assert "no-store" in response["Cache-Control"]


def test_health_says_nothing_of_the_reason(client: Client, monkeypatch: pytest.MonkeyPatch):
    def away(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("password for host db-17 refused")

    monkeypatch.setattr("django.db.backends.base.base.BaseDatabaseWrapper.cursor", away)
    response = client.get("/healthz/")
    assert (response.status_code, response.text) == (503, "unavailable")


@pytest.mark.parametrize(("demo", "line"), [(True, "Disallow: /"), (False, "Disallow: /account/")])
def test_robots_may_read_what_is_public_of_a_real_site(client: Client, demo: bool, line: str):
    with override_settings(DEMO_MODE=demo):
        assert line in client.get("/robots.txt").text.splitlines()


# --- Headers -------------------------------------------------------------------------------------


def test_policy_forbids_inline_scripts_styles_and_other_hosts(client: Client):
    policy = client.get("/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_every_answer_carries_the_protective_headers(client: Client):
    headers = client.get("/").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]


def test_pages_made_for_a_session_are_not_kept_by_the_browser(client: Client):
    assert "Cache-Control" not in client.get("/advice/").headers
    client.cookies[settings.SESSION_COOKIE_NAME] = "x"
    assert client.get("/")["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/", "/centres/", "/status/"])
def test_public_page_may_be_kept_by_a_proxy_and_is_not_sent_twice(
    client: Client, office: Office, path: str
):
    first = client.get(path)
    assert first["Cache-Control"] == "public, max-age=0, s-maxage=15"
    assert "Cookie" in first["Vary"]
    # Nothing in it is for one visitor only.
    assert not first.cookies
    assert "csrfmiddlewaretoken" not in first.text
    again = client.get(path, headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "en"
    assert client.get(path, headers={"if-none-match": first["ETag"]}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/centres/", "/status/"])
def test_public_page_of_a_signed_in_person_is_theirs(client: Client, applicant: User, path: str):
    client.force_login(applicant)
    assert client.get(path)["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/", "/centres/", "/status/"])
def test_public_pages_cost_the_same_however_many_outages_and_centres(
    client: Client, office: Office, declare: Declare, path: str
):
    declare(left=30)
    few = queries_of(client, path)
    for number in range(3):
        centre = make_centre(f"X{number}", region=office.region)
        make_slot(centre, office.tomorrow, 10)
        declare(centres=[centre, office.sagar], left=1)
    declare(restored_hours_ago=1)
    assert queries_of(client, path) == few
    assert few <= MOST_QUERIES[path]


MOST_QUERIES = {"/": 8, "/centres/": 15, "/status/": 25}


def queries_of(client: Client, path: str) -> int:
    """Of a page that no cache helps."""
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len(queries)


def test_quiet_home_page_asks_the_database_once(client: Client, office: Office):
    assert queries_of(client, "/") == 1


def test_home_shows_the_check_and_the_helpline_before_all_else(client: Client, declare: Declare):
    for _state in ("quiet", "outage"):
        page = client.get("/").text
        check, helpline = page.index('href="/affected/"'), page.index('href="tel:')
        assert check < page.index("<h2>आने से पहले" if _state == "quiet" else "<h2>अभी क्या करें")
        assert helpline < page.index('<section class="section">')
        declare(left=0)


# --- Errors --------------------------------------------------------------------------------------


def fail_with(error: Exception) -> Callable[[HttpRequest], HttpResponse]:
    def view(request: HttpRequest) -> HttpResponse:
        raise error

    return view


urlpatterns = [
    path("fail/400/", fail_with(SuspiciousOperation("x"))),
    path("fail/403/", fail_with(PermissionDenied())),
    path("fail/500/", fail_with(ValueError("secret detail"))),
    path("fail/503/", fail_with(OperationalError("secret detail"))),
    *site,
]
__all__ = ["handler500"]


@pytest.fixture
def patient(client: Client) -> Client:
    """A client which gets the page of an error instead of the error."""
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize(
    ("address", "status", "hindi", "english"),
    [
        ("/fail/400/", 400, "यह अनुरोध पढ़ा नहीं जा सका", "This request cannot be read"),
        ("/fail/403/", 403, "आप यह पृष्ठ नहीं खोल सकते", "You cannot open this page"),
        ("/nowhere/", 404, "पृष्ठ नहीं मिला", "Page not found"),
    ],
)
def test_error_is_explained_in_the_language_of_the_page(
    patient: Client, address: str, status: int, hindi: str, english: str
):
    with override_settings(ROOT_URLCONF=__name__):
        for language, words in (("hi", hindi), ("en", english)):
            patient.cookies[settings.LANGUAGE_COOKIE_NAME] = language
            response = patient.get(address)
            assert response.status_code == status
            assert f"<h1>{words}</h1>" in response.text


@pytest.mark.parametrize(
    ("address", "status", "hindi", "english"),
    [
        ("/fail/500/", 500, "पृष्ठ नहीं खुल सका", "This page could not be opened"),
        ("/fail/503/", 503, "पोर्टल अभी उपलब्ध नहीं है", "The portal is not available now"),
    ],
)
def test_failure_is_explained_in_both_languages_without_the_database(
    patient: Client, django_assert_num_queries, address: str, status: int, hindi: str, english: str
):
    with override_settings(ROOT_URLCONF=__name__), django_assert_num_queries(0):
        response = patient.get(address)
    assert response.status_code == status
    assert hindi in response.text
    assert english in response.text
    assert "secret detail" not in response.text


def test_unavailable_page_says_when_to_come_back(patient: Client):
    with override_settings(ROOT_URLCONF=__name__):
        assert patient.get("/fail/503/")["Retry-After"] == "60"


def test_form_with_an_old_secret_is_explained(client: Client):
    strict = Client(enforce_csrf_checks=True)
    response = strict.post("/affected/", {"arn": "26-1234567890"})
    assert response.status_code == 403
    assert "पृष्ठ बहुत देर से खुला था" in response.text


def test_unknown_host_is_refused_in_words(client: Client):
    response = client.get("/", headers={"host": "elsewhere.example"})
    assert response.status_code == 400
    assert "यह अनुरोध पढ़ा नहीं जा सका" in response.text
