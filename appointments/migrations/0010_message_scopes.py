"""Messages from before they bore a scope get the region of what they are about.

In batches, each committed at once: one statement over all of them would lock the outbox. It may be
stopped and begun again. Codes stay without one: they belong where their person has an application.
"""

import re
from collections import defaultdict

from django.db import migrations
from django.db.models import Max, Min

BATCH = 2000
# Kind of matter -> model, lookup of the reference's key, lookup of its region.
MATTERS = {
    "appointment": ("Appointment", "pk", "application__region"),
    "offer-list": ("Listed", "offer_list", "appointment__application__region"),
    "plan": ("Plan", "pk", "region"),
    # The key in an alert's reference is the region itself.
    **dict.fromkeys(
        (
            *("plan_waits", "plan_alone", "plan_back", "outage_overdue", "messages_troubled"),
            *("gateway_down", "texts_missing", "people_unreached", "day_off_visits"),
        ),
        ("Region", "pk", "pk"),
    ),
}
NAMED = re.compile(r"([a-z_-]+):([0-9]{1,18})")


def give_scopes(apps, schema_editor):
    Message = apps.get_model("notifications", "Message")
    keys = Message.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if keys["last"] is None:
        return
    for first in range(keys["first"], keys["last"] + 1, BATCH):
        rows = Message.objects.filter(pk__gte=first, pk__lt=first + BATCH, scope="")
        for region, pks in _by_region(apps, rows.values_list("pk", "reference")).items():
            Message.objects.filter(pk__in=pks).update(scope=f"region:{region}")


def _by_region(apps, rows):
    """Region -> messages about what is of it; those that are about nothing of one are not named."""
    keys = defaultdict(dict)  # kind of matter -> message -> key
    for pk, reference in rows:
        found = NAMED.fullmatch(reference)
        if found and found[1] in MATTERS:
            keys[found[1]][pk] = int(found[2])
    messages = defaultdict(list)
    for kind, of_kind in keys.items():
        model, of_key, of_region = MATTERS[kind]
        matters = apps.get_model("appointments", model).objects.order_by()
        named = matters.filter(**{f"{of_key}__in": set(of_kind.values())})
        regions = dict(named.values_list(of_key, of_region))
        for pk, key in of_kind.items():
            if key in regions:
                messages[regions[key]].append(pk)
    return messages


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("appointments", "0009_decide_by"),
        ("notifications", "0006_scope"),
    ]

    operations = [migrations.RunPython(give_scopes, migrations.RunPython.noop)]
