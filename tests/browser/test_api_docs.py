"""The API's documentation is drawn from files of ours, under the site's strict policy."""

import pytest

from tests.browser.harness import DESK_WIDTH

pytestmark = pytest.mark.django_db(transaction=True)


def test_docs_list_every_address(visit):
    page = visit("en", width=DESK_WIDTH).go("/api/v1/docs/")
    for path in ("/centres/", "/centres/{code}/availability/", "/outages/"):
        page.locator(f'[data-path="/api/v1{path}"]').wait_for()
    page.locator('[data-path="/api/v1/outages/"]').click()
    page.get_by_text("Outages that are open, and those").wait_for()


def test_docs_without_scripts_lead_to_the_file(visit):
    page = visit("en", width=DESK_WIDTH, scripts=False).go("/api/v1/docs/")
    assert page.get_by_role("link", name="/api/v1/schema/").is_visible()
