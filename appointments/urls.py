"""Addresses of the applicants' pages. They name an application by its row, never by its ARN."""

from django.urls import URLPattern, path, register_converter

from appointments.tokens import TokenConverter
from appointments.views import (
    another_time,
    cancelling,
    checking,
    choosing,
    claiming,
    mine,
    offers,
    slip,
    travel,
    waiting,
)

app_name = "appointments"
register_converter(TokenConverter, "token")

application_pages = "my/<int:application_id>/"
urlpatterns = [
    path("my/", mine.mine, name="mine"),
    path("my/add/", claiming.claim, name="claim"),
    path(f"{application_pages}time/", choosing.choose_soon, name="choose"),
    path(f"{application_pages}centre/", choosing.choose_centre, name="choose_centre"),
    path(f"{application_pages}centre/<slug:code>/", choosing.choose_day, name="choose_day"),
    path(
        f"{application_pages}centre/<slug:code>/<int:year>-<int:month>-<int:day>/",
        choosing.choose_time,
        name="choose_time",
    ),
    path(f"{application_pages}check/", checking.check, name="check"),
    path(f"{application_pages}done/", checking.done, name="done"),
    path(f"{application_pages}cancel/", cancelling.cancel, name="cancel"),
    path(f"{application_pages}cancelled/", cancelling.cancelled, name="cancelled"),
    path(f"{application_pages}slip/", slip.slip, name="slip"),
    path(f"{application_pages}appointment.ics", slip.calendar_file, name="calendar"),
    path("check/<str:reference>/", slip.check_slip, name="check_slip"),
    path(f"{application_pages}waiting-list/", waiting.join, name="join"),
    path(f"{application_pages}question/", offers.question, name="question"),
    path(f"{application_pages}question/give-up/", offers.question_give_up, name="give_up"),
    path(f"{application_pages}travel/", travel.standing, name="travel"),
    path(f"{application_pages}travel/send/", travel.send, name="travel_send"),
    path(
        f"{application_pages}travel/<int:proof_id>/withdraw/",
        travel.withdraw,
        name="travel_withdraw",
    ),
]


def _pages_of_a_question(key: str) -> list[URLPattern]:
    """Behind `key`: the token of one person's link, or that of a list and one person on it."""
    another = f"{key}/another-time/"
    return [
        path(f"{key}/give-up/", offers.link_give_up, name="offer_link_give_up"),
        path(another, another_time.soon, name="offer_link_another"),
        path(f"{another}centre/", another_time.centre_page, name="offer_link_centre"),
        path(f"{another}centre/<slug:code>/", another_time.day_page, name="offer_link_day"),
        path(
            f"{another}centre/<slug:code>/<int:year>-<int:month>-<int:day>/",
            another_time.time_page,
            name="offer_link_time",
        ),
        path(f"{another}kept/", another_time.kept, name="offer_link_kept"),
    ]


# At the site's root, because an SMS counts letters: exactly as long as a token, no slash.
link_patterns = [
    path("<token:token>", offers.link, name="offer_link"),
    *_pages_of_a_question("<token:token>"),
    path("<token:token>/<int:offer_id>", offers.link_of_list, name="offer_link"),
    *_pages_of_a_question("<token:token>/<int:offer_id>"),
]
urlpatterns += link_patterns
