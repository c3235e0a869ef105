"""What officers have done before a test begins, by the verbs that their pages call."""

from fractions import Fraction

from accounts.models import User
from appointments import plans
from appointments.cuts import spread_total
from appointments.models import Outage, Plan
from appointments.planning.problem import Policy
from tests.domain.builders import declare_for_test
from tests.officers.conftest import Office


def declare(office: Office, by: User, *, seats: int) -> Outage:
    """So many of 16 seats stay on each of the two full days."""
    centres = [office.bhopal, office.sagar]
    cuts = spread_total(total_per_day=seats, centres=centres, dates=office.days)
    return declare_for_test(by, cuts, region=office.region)


def prepare(office: Office, outage: Outage, by: User) -> Plan:
    """Without a reserve and without notice to keep: the free days take everybody."""
    policy = Policy(max_km=0, reserve_share=Fraction(0), horizon_days=40, lead_hours=0)
    return plans.prepare(outage_id=outage.pk, region_id=office.region.pk, by=by, policy=policy)
