"""Lists answer to their own filters; nobody reads by trying what no column shows."""

import pytest
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.sites import all_sites
from django.core.exceptions import SuspiciousOperation
from django.db import connection
from django.db.models import JSONField
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from notifications.models import Decision
from portal.admin_lists import OwnFiltersOnly
from tests.officers.written import write

pytestmark = pytest.mark.django_db
MESSAGES = "/officers/notifications/message/"
LOOKUPS = (
    *("", "__exact", "__iexact", "__startswith", "__istartswith", "__contains", "__icontains"),
    *("__endswith", "__regex", "__iregex", "__year", "__gt", "__gte", "__lt", "__range", "__in"),
    *("__isnull", "__date", "__pk", "__length"),
)
KEYS = ("__otp", "__otp__startswith", "__url__regex", "__has_key", "__contains", "__0")
REFUSED = (SuspiciousOperation, IncorrectLookupParameters)
ADMINS = [pytest.param(each, id=each.opts.label) for each in admin.site._registry.values()]


@pytest.fixture
def chief() -> User:
    return User.objects.create_user(email="chief@office.example", is_staff=True, is_superuser=True)


def ask(model_admin, chief, address):
    request = RequestFactory().get("/", address)
    request.user = chief
    return model_admin.get_changelist_instance(request)


def lookups_of(model, *, deep=True):
    """Every field of a table with every lookup, and those of the tables next to it."""
    for field in model._meta.get_fields():
        ways = (*LOOKUPS, *KEYS) if isinstance(field, JSONField) else LOOKUPS
        yield from (f"{field.name}{way}" for way in ways)
        if getattr(field, "attname", field.name) != field.name:
            yield from (f"{field.attname}{way}" for way in LOOKUPS)
        if deep and field.related_model:
            near = field.related_model
            yield from (f"{field.name}__{lookup}" for lookup in lookups_of(near, deep=False))


def offered_by(changelist):
    """Names that stand in the links of the list's own filters, and their values."""
    return {
        (name, value)
        for spec in changelist.filter_specs
        for choice in spec.choices(changelist)
        for name, _is, value in [choice["query_string"].lstrip("?").partition("=")]
        if name
    }


def own_names(model_admin, changelist):
    names = {name for spec in changelist.filter_specs for name in spec.expected_parameters()}
    hierarchy = model_admin.date_hierarchy
    return names | {f"{hierarchy}__{part}" for part in ("year", "month", "day")}


@pytest.mark.parametrize("model_admin", ADMINS)
def test_list_is_filtered_by_nothing_but_its_own_filters(model_admin, chief, office):
    own = own_names(model_admin, ask(model_admin, chief, {}))
    tried = [lookup for lookup in lookups_of(model_admin.model) if lookup not in own]
    assert len(tried) > 20
    for lookup in tried:
        with CaptureQueriesContext(connection) as queries, pytest.raises(REFUSED):
            ask(model_admin, chief, {lookup: "1"})
        assert not [q["sql"] for q in queries if "WHERE" in q["sql"]], lookup


def test_every_list_of_every_site_is_guarded():
    registered = [each for site in all_sites for each in site._registry.values()]
    assert len(registered) == len(ADMINS) > 15
    assert all(isinstance(each, OwnFiltersOnly) for each in registered)
    assert all(type(each).__mro__[1] is OwnFiltersOnly for each in registered)


@pytest.mark.parametrize("model_admin", ADMINS)
def test_links_of_its_own_filters_lead_somewhere(model_admin, chief, office):
    for name, value in sorted(offered_by(ask(model_admin, chief, {}))):
        changelist = ask(model_admin, chief, {name: value})
        assert changelist.has_active_filters, (name, value)


@pytest.mark.parametrize(
    "lookup",
    [
        *("values__otp__startswith", "values__otp", "values__url__regex", "values__contains"),
        *("address__startswith", "address", "other_address__startswith", "body__contains"),
    ],
)
def test_code_link_or_number_is_not_read_by_trying(desk, office, lookup):
    write(kind="OTP", values={"otp": "512345"}, reference=f"gateway_down:{office.region.pk}")
    for seat in (desk(), desk("centre", centre=office.bhopal)):
        for value in ("5", "+91", "^5", '"512345"', "no such"):
            answer = seat.client.get(MESSAGES, {lookup: value})
            assert answer.status_code == 400
            assert "••••••" not in answer.content.decode()


@pytest.mark.parametrize(
    "lookup",
    ["phone__startswith", "name__startswith", "date_of_birth__year", "arn__startswith", "arn"],
)
def test_applicant_is_not_read_by_trying(desk, office, lookup):
    clerk = desk("centre", centre=office.bhopal)
    for value in ("26", "1990", "+9197", "A", "no such"):
        answer = clerk.client.get("/officers/appointments/application/", {lookup: value})
        assert answer.status_code == 400


ODD = ("", "\x00", "(", "-1", "1,99999999999999999999", "9" * 30, "9" * 5000, "NaN", "٣")


@pytest.mark.parametrize("model_admin", ADMINS)
def test_no_odd_address_of_a_list_is_a_fault_of_ours(model_admin, chief, office, client):
    client.force_login(chief)
    list_url = reverse(
        f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_changelist"
    )
    own = own_names(model_admin, ask(model_admin, chief, {}))
    names = {*own, "q", "o", "p", "_to_field", "nothing"}
    for name in sorted(names):
        for value in ODD:
            answer = client.get(list_url, {name: value})
            assert answer.status_code in (200, 302, 400), (name, value)


@pytest.mark.parametrize(
    "address",
    [
        *("values__contains=a", "created_at__year=9999999999", "address__regex=("),
        *("lane__in=1,99999999999999999999", "channel__exact=%00", "kind=%00"),
    ],
)
def test_odd_address_of_the_messages_is_refused(desk, office, address):
    assert desk().client.get(f"{MESSAGES}?{address}").status_code == 400


@pytest.mark.parametrize(
    "year", ["9999999999", "9999", "0", "1", "-1", "abc", "2101", "²", "1" * 5000]
)
def test_year_that_no_list_offers_is_refused(desk, office, year):
    for name, field in (
        *(("application", "date_of_birth"), ("offer", "deadline"), ("outage", "declared_at")),
        *(("holiday", "date"),),
    ):
        answer = desk().client.get(
            f"/officers/appointments/{name}/", {f"{field}__year": year, f"{field}__month": "12"}
        )
        assert answer.status_code == 400
    gates = desk().client.get("/officers/notifications/gate/", {"shut_until__year": year})
    assert gates.status_code == 400


def test_days_of_a_date_hierarchy_are_its_own(desk, office):
    seat, today = desk(), timezone.localdate()
    address = {"date__year": today.year, "date__month": today.month, "date__day": today.day}
    assert seat.client.get("/officers/appointments/holiday/", address).status_code == 200
    wrong = {**address, "date__month": 2, "date__day": 31}
    answer = seat.client.get("/officers/appointments/holiday/", wrong)
    assert answer.headers["Location"].endswith("?e=1")


@pytest.mark.parametrize(
    "key", ["abc", "", "99999999999999999999", "-99999999999999999999", "\x00", "1.5", "9" * 5000]
)
def test_what_is_no_key_chooses_no_message(desk, office, key):
    message = write(state="failed", reference=f"gateway_down:{office.region.pk}")
    data = {"action": "send_again", "reason": "why", "_selected_action": [message.pk, key]}
    answer = desk().client.post(MESSAGES, data, follow=True)
    assert answer.status_code == 200
    assert "These rows do not exist. Nothing was changed." in answer.content.decode()
    assert not Decision.objects.exists()
