"""Linking an application of the register to one's account."""

import pytest

from tests.applicants.reading import page, text
from tests.domain.builders import make_application

pytestmark = pytest.mark.django_db


def claim_data(application, **changes):
    born = application.date_of_birth
    data = {
        "arn": application.arn,
        "date_of_birth_day": born.day,
        "date_of_birth_month": born.month,
        "date_of_birth_year": born.year,
    }
    return data | changes


HINDI = str.maketrans("0123456789", "०१२३४५६७८९")
AS_TYPED = [str, lambda arn: arn.replace("-", " "), lambda arn: arn.translate(HINDI)]


@pytest.mark.parametrize("write", AS_TYPED)
def test_claim_understands_the_number_however_it_is_typed(signed_in, person, write):
    application = make_application()
    answer = signed_in.post(page("claim"), claim_data(application, arn=write(application.arn)))
    assert answer.status_code == 302
    application.refresh_from_db()
    assert application.claimed_by == person


def test_claim_with_a_wrong_date_says_so_and_keeps_what_was_typed(signed_in):
    application = make_application()
    answer = signed_in.post(page("claim"), claim_data(application, date_of_birth_day=18))
    assert "We found no application" in text(answer)
    assert f'value="{application.arn}"' in answer.content.decode()


def test_claim_guessing_ends_in_a_429_that_says_when_to_try_again(signed_in):
    application = make_application()
    codes = [
        signed_in.post(page("claim"), claim_data(application, date_of_birth_day=day)).status_code
        for day in range(1, 8)
    ]
    assert codes == [200] * 5 + [429] * 2
    answer = signed_in.post(page("claim"), claim_data(application))
    assert answer.status_code == 429
    assert "Try again after" in text(answer)
    application.refresh_from_db()
    assert application.claimed_by is None
