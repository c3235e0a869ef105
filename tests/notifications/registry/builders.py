"""Templates of these tests: CANCELLED, whose messages have `a4` and `n`, unless named otherwise."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings

from notifications.registry import filling, verbs
from notifications.registry.entries import Entry
from notifications.registry.models import SmsTemplate
from tests.notifications.builders import NOW

DEMO_FILE = Path(settings.BASE_DIR) / "data" / "dlt_templates.csv"
# The same texts with the ids of MSG91's panel.
DEMO_FILE_MSG91 = DEMO_FILE.with_name("dlt_templates_msg91.csv")
TODAY = NOW.date()
ENTRY = Entry(
    kind="CANCELLED",
    language="en",
    gateway="",
    entity_id="1101234567890123456",
    header="PSKMPB",
    template_id="1107123456789012345",
    category="service_implicit",
    text="ARN ..{#numeric#}: cancelled. Left: {#numeric#}. -OFFICE",
    variables="a4:numeric:4; n:numeric:2",
    valid_from=TODAY - dt.timedelta(days=10),
)
# As MSG91's panel shows them.
PANEL_ID = "6808ca80d6fc054bef421352"
# Of the Hindi text.
HINDI_ID, PANEL_ID_HINDI = "1107123456789054321", "6808ca80d6fc054bef421353"
VALUES = {"a4": "4821", "n": 2}


def days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


def entry(**changes: Any) -> Entry:
    """With ids of its own for each text; for msg91 that one too, without which nothing is filed."""
    is_hindi = changes.get("language") == "hi"
    if is_hindi:
        changes.setdefault("template_id", HINDI_ID)
    if changes.get("gateway") == "msg91":
        changes.setdefault("gateway_template_id", PANEL_ID_HINDI if is_hindi else PANEL_ID)
    return replace(ENTRY, **changes)


def filed(*, by: str = "officer 7", reason: str = "", **changes: Any) -> SmsTemplate:
    """A template in the registry."""
    template, _changed = verbs.file(entry=entry(**changes), by=by, reason=reason)
    filling.forget()
    return template
