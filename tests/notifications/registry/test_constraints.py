"""Each rule that the database itself keeps, and an attempt to break it."""

import pytest
from django.db import IntegrityError, connection, transaction

from notifications.registry.models import SmsTemplate, SmsTemplateEvent
from tests.notifications.builders import NOW
from tests.notifications.registry.builders import PANEL_ID, TODAY, days, filed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


OWN = {"gateway": "msg91"}


@pytest.fixture
def breaks():
    """Run what breaks a rule; the database names it."""

    def check(name, break_it):
        with pytest.raises(IntegrityError) as caught, transaction.atomic():
            break_it()
        # SQLite names a broken check, but only the columns of a broken uniqueness.
        unique = connection.vendor == "sqlite" and "UNIQUE" in str(caught.value)
        assert unique or name in str(caught.value)

    return check


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("smstemplate_version_counts_from_one", {"version": 0}),
        ("smstemplate_has_kind", {"kind": ""}),
        ("smstemplate_language_known", {"language": "ur"}),
        ("smstemplate_entity_id_form", {"entity_id": "11012x"}),
        ("smstemplate_entity_id_form", {"entity_id": ""}),
        ("smstemplate_header_form", {"header": "PSK12"}),
        ("smstemplate_header_form", {"header": "PSK123"}),
        ("smstemplate_id_form", {"template_id": "110712345678901234"}),
        ("smstemplate_id_form", {"template_id": "1.1071234567890E+18"}),
        ("smstemplate_gateway_id_form", {**OWN, "gateway_template_id": "1107123456789012345"}),
        ("smstemplate_gateway_id_form", {**OWN, "gateway_template_id": "6808 ca80"}),
        ("smstemplate_gateway_id_form", {**OWN, "gateway_template_id": "हिन्दी"}),
        ("smstemplate_gateway_id_of_one_gateway", {"gateway_template_id": PANEL_ID}),
        ("smstemplate_category_known", {"category": "urgent"}),
        ("smstemplate_has_text", {"text": ""}),
        ("smstemplate_ends_after_it_begins", {"valid_until": TODAY - days(11)}),
        ("smstemplate_withdrawn_with_reason", {"withdrawn_at": NOW}),
        ("smstemplate_withdrawn_with_reason", {"withdrawn_why": "no reason"}),
    ],
)
def test_template_breaks_its_rule(breaks, name, changes):
    template = filed()
    breaks(name, lambda: SmsTemplate.objects.filter(pk=template.pk).update(**changes))


def test_smstemplate_version_unique(breaks):
    template = filed()
    template.pk = None
    breaks("smstemplate_version_unique", lambda: template.save(force_insert=True))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("smstemplateevent_verb_known", {"verb": "lost"}),
        ("smstemplateevent_has_actor", {"by": ""}),
        ("smstemplateevent_withdrawal_has_reason", {"verb": "withdrawn", "reason": ""}),
    ],
)
def test_event_breaks_its_rule(breaks, name, changes):
    filed()
    breaks(name, lambda: SmsTemplateEvent.objects.update(**changes))


def test_each_rule_has_its_test():
    named = {name for name, _ in cases_of(test_template_breaks_its_rule)}
    named |= {name for name, _ in cases_of(test_event_breaks_its_rule)}
    rules = [
        rule.name for model in (SmsTemplate, SmsTemplateEvent) for rule in model._meta.constraints
    ]
    assert set(rules) == named | {"smstemplate_version_unique"}


def cases_of(test):
    return next(mark.args[1] for mark in test.pytestmark if mark.name == "parametrize")
