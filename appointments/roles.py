"""What each posting may see and change in the officers' pages.

Groups carry the rights to look at rows and to reach their forms. Who may declare, approve or mark
a visit is asked once more by the verbs (appointments/permissions.py).
"""

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q

from accounts.models import User
from appointments.models import Centre, Posting, Region

# Groups go by the code of the role, so that the rights of an office stay when a label changes.
GROUP_NAMES = {role: f"posting:{role.value}" for role in Posting.Role}
APPS = ("appointments", "notifications")
# What officers of a region create themselves; everything else is made by verbs.
CREATED_BY_HAND = ("outage", "capacitycut", "holiday", "slottemplate", "smstemplate")
REMOVED_BY_HAND = ("holiday", "slottemplate")


def ensure_groups() -> dict[Posting.Role, Group]:
    """The group of each role, with exactly the rights named here. Again: changes nothing."""
    groups = {}
    for role, name in GROUP_NAMES.items():
        group, _created = Group.objects.get_or_create(name=name)
        group.permissions.set(_permissions(role))
        groups[role] = group
    return groups


def _permissions(role: Posting.Role) -> list[Permission]:
    views = Q(codename__startswith="view_")
    wanted = views
    if role != Posting.Role.CENTRE:
        wanted = views | Q(codename__startswith="change_")
        wanted |= Q(codename__in=[f"add_{model}" for model in CREATED_BY_HAND])
        wanted |= Q(codename__in=[f"delete_{model}" for model in REMOVED_BY_HAND])
        # Each look is written down (appointments/addresses.py).
        wanted |= Q(codename="see_addresses")
    types = ContentType.objects.filter(app_label__in=APPS)
    return list(Permission.objects.filter(wanted, content_type__in=types))


@transaction.atomic
def post(
    *, officer: User, role: Posting.Role, region: Region, centre: Centre | None = None
) -> Posting:
    """Post an officer, in place of what they were posted to before, with the rights of the role.

    `centre` is for centre officers alone (constraint posting_centre_exactly_for_centre_officer).
    """
    groups = ensure_groups()
    posting, _created = Posting.objects.update_or_create(
        officer=officer, defaults={"role": role, "region": region, "centre": centre}
    )
    officer.groups.remove(*(group for other, group in groups.items() if other != role))
    officer.groups.add(groups[role])
    return posting
