"""Public pages, the list of centres, health, robots, headers, and the pages of errors."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, path
from django.utils import timezone

from accounts.errors import SignInRefusal
from accounts.models import User
from appointments.models import Outage
from notifications.dates import INDIA, long_day
from portal.checks import check_both_languages, check_contacts
from portal.demo_contacts import DEMO_CONTACTS
from portal.office import IN_BOTH_LANGUAGES
from portal.public_pages import PAGES
from portal.reviews import LAST_REVIEWED
from portal.urls import handler400, handler500
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


def test_footer_of_an_official_site_names_the_office_that_runs_it(client: Client):
    with override_settings(SITE_IS_OFFICIAL=True):
        page = client.get("/").text
    assert "आधिकारिक साइट नहीं है" not in page
    assert f"यह साइट {settings.OFFICE_NAME_HI} द्वारा संचालित है।" in page
    assert "https://www.passportindia.gov.in" in page


@pytest.mark.parametrize(("language", "words"), [("hi", "हमारे शब्द।"), ("en", "Our words.")])
def test_footer_says_what_the_office_has_set(client: Client, language: str, words: str):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    with override_settings(SITE_NOTICE_HI="हमारे शब्द।", SITE_NOTICE_EN="Our words."):
        page = client.get("/").text
    assert words in page
    assert "आधिकारिक साइट नहीं है" not in page
    assert "not the official" not in page


@pytest.mark.parametrize("name", IN_BOTH_LANGUAGES)
def test_text_of_the_office_in_one_language_only_is_refused(name: str):
    assert check_both_languages(None) == []
    with override_settings(**{f"{name}_HI": "", f"{name}_EN": "x"}):
        assert [error.id for error in check_both_languages(None)] == ["portal.E011"]


def test_public_site_without_contacts_is_warned():
    assert check_contacts(None) == []
    public = {"ALLOWED_HOSTS": ["psk.example.in"], **dict.fromkeys(CONTACTS, "")}
    with override_settings(**public):
        assert {warning.id for warning in check_contacts(None)} == {"portal.W004"}
    with override_settings(**public | dict.fromkeys(CONTACTS, "x")):
        assert check_contacts(None) == []


# --- Pages of text -------------------------------------------------------------------------------

CONTACTS = {
    "OFFICE_ADDRESS_EN": "1 Example Road",
    "OFFICE_ADDRESS_HI": "1 उदाहरण मार्ग",
    "OFFICE_HOURS_EN": "9:30 am to 4:30 pm",
    "OFFICE_HOURS_HI": "सुबह 9:30 से शाम 4:30",
    "OFFICE_EMAIL": "office@example.in",
    "GRIEVANCE_OFFICER_EN": "A. Grievance",
    "GRIEVANCE_OFFICER_HI": "शिकायत अधिकारी क",
    "GRIEVANCE_EMAIL": "grievance@example.in",
    "GRIEVANCE_PHONE": "0755-123",
    "DATA_OFFICER_EN": "B. Data",
    "DATA_OFFICER_HI": "डेटा अधिकारी ख",
    "DATA_OFFICER_EMAIL": "data@example.in",
}


@pytest.mark.parametrize("language", ["hi", "en"])
def test_contacts_are_shown_where_the_office_has_set_them(client: Client, language: str):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    ending = language.upper()
    with override_settings(**CONTACTS):
        contact, privacy = client.get("/contact/").text, client.get("/privacy/").text
        feedback = client.get("/feedback/").text
    for name in ("OFFICE_ADDRESS", "OFFICE_HOURS", "GRIEVANCE_OFFICER"):
        assert CONTACTS[f"{name}_{ending}"] in contact
    assert 'href="mailto:grievance@example.in"' in contact
    assert 'href="tel:0755123"' in contact
    assert CONTACTS[f"DATA_OFFICER_{ending}"] in privacy
    assert 'href="mailto:data@example.in"' in privacy
    assert 'href="mailto:office@example.in?subject=' in feedback


@pytest.mark.parametrize("page", ["contact", "privacy", "feedback"])
def test_contacts_that_are_not_set_leave_no_gap(client: Client, page: str):
    with override_settings(**dict.fromkeys(CONTACTS, "")):
        text = client.get(f"/{page}/").text
    assert "mailto:" not in text
    assert "<dd></dd>" not in text
    assert settings.HELPLINE in text


def test_contacts_of_the_demonstration_say_that_they_are_invented():
    for name, value in DEMO_CONTACTS.items():
        invented = ("Demonstration", "प्रदर्शन", "demo.example", "000", "9:30")
        assert any(word in value for word in invented), name


@pytest.mark.parametrize(
    "page", ["accessibility", "privacy", "terms", "contact", "feedback", "advice"]
)
def test_text_says_when_it_was_last_reviewed(client: Client, page: str):
    assert f"अंतिम समीक्षा: {long_day(LAST_REVIEWED, 'hi')}" in client.get(f"/{page}/").text


def test_privacy_page_names_as_many_cookies_as_the_site_sets(client: Client):
    client.post("/language/", {"language": "en", "next": "/"})
    client.get("/account/sign-in/")
    client.force_login(User.objects.create_user(phone="+919876543219"))
    names = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME}
    assert set(client.cookies) <= names


# --- Sitemaps ------------------------------------------------------------------------------------


def test_every_public_page_is_in_the_sitemap(client: Client):
    """Whoever adds a page that anybody may open adds it to portal/public_pages.py."""
    found = {
        f"/{pattern.pattern}"
        for pattern in site
        if isinstance(pattern, URLPattern) and "<" not in str(pattern.pattern)
    }
    public = {
        address
        for address in found
        if (answer := client.get(address)).status_code == 200
        and answer["Content-Type"].startswith("text/html")
    }
    assert public - {page.url for page in PAGES} == set()


@pytest.mark.parametrize("language", ["hi", "en"])
def test_sitemap_leads_to_every_public_page(client: Client, language: str):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    text = client.get("/sitemap/").text.partition("<main")[2].partition("</main>")[0]
    for page in PAGES:
        assert f'<li><a href="{page.url}"' in text
        assert client.get(page.url).status_code == 200


def test_sitemap_has_no_way_to_sign_in_for_who_is_signed_in(client: Client, applicant: User):
    client.force_login(applicant)
    assert "/account/sign-in/" not in client.get("/sitemap/").text


def test_sitemap_for_machines_lists_public_pages_and_nothing_else(client: Client):
    answer = client.get("/sitemap.xml")
    assert answer["Content-Type"] == "application/xml"
    listed = re.findall(r"<loc>http://testserver(.+?)</loc>", answer.text)
    assert listed == [page.url for page in PAGES]
    assert f"<lastmod>{LAST_REVIEWED}</lastmod>" in answer.text


def test_footer_leads_to_feedback_and_sitemap(client: Client):
    foot = client.get("/").text.partition("<footer")[2]
    for name in ("contact", "feedback", "privacy", "terms", "accessibility", "sitemap"):
        assert f'href="/{name}/"' in foot


# --- Centres -------------------------------------------------------------------------------------


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


def test_robots_name_the_sitemap_of_a_real_site_only(client: Client):
    line = "Sitemap: http://testserver/sitemap.xml"
    with override_settings(DEMO_MODE=False):
        assert line in client.get("/robots.txt").text.splitlines()
    with override_settings(DEMO_MODE=True):
        assert "Sitemap" not in client.get("/robots.txt").text


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


WAIT = dt.timedelta(minutes=20)


def too_often(request: HttpRequest) -> HttpResponse:
    raise SignInRefusal("unknown_link", retry_at=timezone.now() + WAIT)


urlpatterns = [
    path("fail/429/", too_often),
    path("fail/413/", fail_with(RequestDataTooBig("secret detail"))),
    path("fail/400/", fail_with(SuspiciousOperation("x"))),
    path("fail/403/", fail_with(PermissionDenied())),
    path("fail/500/", fail_with(ValueError("secret detail"))),
    path("fail/503/", fail_with(OperationalError("secret detail"))),
    *site,
]
__all__ = ["handler400", "handler500"]


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
        ("/fail/413/", 413, "भेजी गई सामग्री बहुत बड़ी है", "What you sent is too large"),
        ("/fail/429/", 429, "बहुत अधिक प्रयास", "Too many tries"),
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
            assert 'href="tel:18002581800"' in response.text
            assert 'href="/"' in response.text
            assert "secret detail" not in response.text


@pytest.mark.parametrize(
    ("language", "when"), [("hi", "रात 12:21 बजे के बाद फिर"), ("en", "Try again after 12:21 am.")]
)
def test_too_many_tries_says_when_to_try_again(patient: Client, language: str, when: str):
    patient.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    midnight = dt.datetime(2026, 12, 7, 0, 0, tzinfo=INDIA)
    with override_settings(ROOT_URLCONF=__name__), time_machine.travel(midnight, tick=False):
        response = patient.get("/fail/429/")
    assert when in response.text
    assert response["Retry-After"] == str(int(WAIT.total_seconds()))


def test_form_that_is_too_large_is_refused_in_words(patient: Client):
    response = patient.post("/language/", {"language": "x" * 3_000_000})
    assert response.status_code == 413
    assert "भेजी गई सामग्री बहुत बड़ी है" in response.text


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
    assert response.text.count('href="tel:18002581800"') == 2
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
    assert "आपका लिखा हुआ प्रायः वहीं मिलेगा" in response.text


@pytest.mark.parametrize(
    ("referer", "leads_back"),
    [
        ("http://testserver/my/add/", True),
        ("https://elsewhere.example/my/add/", False),
        ("", False),
    ],
)
def test_lost_form_leads_back_to_its_own_page_of_this_site(referer: str, leads_back: bool):
    strict = Client(enforce_csrf_checks=True)
    page = strict.post("/affected/", {"arn": "26-1"}, headers={"referer": referer}).text
    assert (f'<a class="button" href="{referer}">' in page) == leads_back
    assert "elsewhere.example" not in page


def test_unknown_host_is_refused_in_words(client: Client):
    response = client.get("/", headers={"host": "elsewhere.example"})
    assert response.status_code == 400
    assert "यह अनुरोध पढ़ा नहीं जा सका" in response.text
