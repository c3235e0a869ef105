"""Follow every link that a visitor can, signed in or not, in both languages, on a bad day.

A page that is added anywhere is found here without being named: it must answer, be in the
reader's language throughout, be accessible, fit the phone, and log nothing.
"""

import re
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from django.urls import resolve
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import User
from appointments import booking
from appointments.models import Application, Appointment, Centre
from tests.applicants.builders import ask
from tests.browser.harness import Visitor, axe
from tests.domain.builders import (
    in_days,
    make_application,
    make_appointment,
    make_officer,
    make_person,
    make_slot,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Names of things that have no other name, and what stands for a person's own data.
LATIN_IN_HINDI = {
    "SMS", "OTP", "QR", "PDF", "JPEG", "PNG", "JSON", "Atom", "KB", "MB", "A4", "WhatsApp", "WebP",
    "WCAG", "GIGW", "AA", "JavaScript", "PSK", "POPSK", "English", "Tatkaal", "PCC",
}  # fmt: skip
# Files and machines' addresses: they answer, but have no words to look at.
NO_PAGE = re.compile(r"\.(ics|json|xml|txt|atom|svg|css|js)$|/(feed|download|ics)/?$")
DEVANAGARI = re.compile(r"[\u0900-\u097f]+")
LATIN = re.compile(r"[A-Za-z][\w.'’:/@-]*")


@dataclass
class Crawl:
    """What was found on the way: `pages` by address, `faults` in words."""

    visitor: Visitor
    language: str
    own_words: set[str]
    pages: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    # Views whose page axe has looked at: once is enough for 26 pages of centres.
    kinds: set[str] = field(default_factory=set)

    def from_(self, *starts: str) -> None:
        waiting = deque(starts)
        seen = set(starts)
        while waiting:
            path = waiting.popleft()
            for link in self._look_at(path):
                if link not in seen:
                    seen.add(link)
                    waiting.append(link)

    def _look_at(self, path: str) -> list[str]:
        if NO_PAGE.search(path.partition("?")[0]):
            answer = self.visitor.context.request.get(self.visitor.host + path)
            if not answer.ok:
                self.faults.append(f"{path}: {answer.status}")
            return []
        before = len(self.visitor.witness.troubles)
        response = self.visitor.page.goto(self.visitor.host + path)
        assert response is not None
        if not response.ok:
            self.faults.append(f"{path}: {response.status}")
            return []
        page = self.visitor.page
        self.pages[path] = page.title()
        self._judge(page, path)
        troubles = self.visitor.witness.troubles[before:]
        self.faults += [f"{path}: {trouble}" for trouble in troubles]
        return self._links(page)

    def _judge(self, page: Page, path: str) -> None:
        language, headings, too_wide = page.evaluate(
            """() => {
                const root = document.documentElement, h1 = document.querySelectorAll("h1");
                return [root.lang, h1.length, root.scrollWidth - root.clientWidth];
            }"""
        )
        if language != self.language:
            self.faults.append(f"{path}: lang is not {self.language}")
        if headings != 1:
            self.faults.append(f"{path}: {headings} h1")
        if too_wide:
            self.faults.append(f"{path}: {too_wide} px too wide")
        kind = resolve(urlsplit(page.url).path).view_name
        if kind not in self.kinds:
            self.kinds.add(kind)
            self._judge_by_axe(page, path)
        foreign = self._foreign_words(page)
        if foreign:
            self.faults.append(f"{path}: not in {self.language}: {sorted(foreign)}")

    def _judge_by_axe(self, page: Page, path: str) -> None:
        try:
            axe(page)
        except AssertionError as found:
            self.faults.append(f"{path}: {found}")

    def _foreign_words(self, page: Page) -> set[str]:
        """Words of the other language outside of parts that are marked as such."""
        other = "en" if self.language == "hi" else "hi"
        text = str(
            page.evaluate(
                """other => {
                const copy = document.body.cloneNode(true);
                copy.querySelectorAll(`[lang=${other}], script`).forEach(part => part.remove());
                const words = [], walk = document.createTreeWalker(copy, NodeFilter.SHOW_TEXT);
                while (walk.nextNode()) words.push(walk.currentNode.data);
                const named = [...copy.querySelectorAll('[aria-label], [alt], [placeholder]')]
                    .flatMap(e => ['aria-label', 'alt', 'placeholder'].map(a => e.getAttribute(a)));
                return [document.title, ...words, ...named.filter(Boolean)].join(' ');
            }""",
                other,
            )
        )
        text = text.replace(urlsplit(self.visitor.host).netloc, "")
        if other == "hi":
            return set(DEVANAGARI.findall(text))
        return {word.strip(".:'’/") for word in LATIN.findall(text)} - self._allowed()

    def _allowed(self) -> set[str]:
        addresses = {"www.passportindia.gov.in", "pgportal.gov.in"}
        return LATIN_IN_HINDI | addresses | self.own_words

    def _links(self, page: Page) -> list[str]:
        found = page.eval_on_selector_all(
            "a[href]",
            """links => links.map(link => {
                const written = link.getAttribute("href");
                const place = written.startsWith("#") && written.slice(1);
                const leads = place === false || document.getElementById(place) !== null;
                return [link.href, written, leads];
            })""",
        )
        for _whole, written, leads in found:
            if not leads:
                self.faults.append(f"{page.url}: no place {written}")
        inside = [whole for whole, _written, _leads in found if whole.startswith(self.visitor.host)]
        return [link.removeprefix(self.visitor.host).partition("#")[0] or "/" for link in inside]


@dataclass
class BadDay:
    """A person with an application in every state, while an outage is open."""

    person: User
    token: str
    # Pages of the person to which only a form leads.
    behind_forms: list[str]


@pytest.fixture
def bad_day(office: str) -> BadDay:
    person = make_person()
    centre = Centre.objects.get(code="BPL")
    _application, _offer, token = ask(person, centre=centre, claimed_by=person)
    later = make_slot(centre=centre, day=in_days(9), seats=9)
    free = make_slot(centre=centre, day=in_days(8), seats=9)
    make_slot(centre=Centre.objects.get(code="IDR"), day=in_days(10), seats=9)
    for state in ("in_doubt", "completed", "no_show"):
        make_appointment(later, application=_one_more(person, centre), state=state)
    booked = make_appointment(later, application=_one_more(person, centre)).application
    ended = make_appointment(later, application=_one_more(person, centre))
    Appointment.objects.filter(pk=ended.pk).update(state="cancelled", slot=None)
    held = _one_more(person, centre)
    booking.hold_seat(application=held, slot_id=free.pk, by=person)
    now = timezone.now()
    _one_more(person, centre).appointments.create(state="waiting", booked_at=now, waiting_since=now)
    behind_forms = [
        *(f"/my/{held.pk}/{page}/" for page in ("check", "centre", "centre/BPL")),
        f"/my/{held.pk}/centre/BPL/{free.date:%Y-%m-%d}/",
        f"/my/{booked.pk}/done/",
        f"/my/{ended.application_id}/cancelled/",
    ]
    return BadDay(person, token, behind_forms)


def _one_more(person: User, centre: Centre) -> Application:
    return make_application(centre=centre, claimed_by=person, name="Sunita Verma")


def _crawl(visitor: Visitor, language: str, day: BadDay) -> Crawl:
    crawl = Crawl(visitor, language, {"Sunita", "Verma"})
    crawl.from_("/", f"/{day.token}", "/my/", *day.behind_forms)
    return crawl


@pytest.mark.parametrize("language", ["hi", "en"])
def test_every_page_that_anybody_can_reach(visit, bad_day: BadDay, language: str) -> None:
    crawl = _crawl(visit(language), language, bad_day)
    assert crawl.faults == []
    assert len(crawl.pages) >= 15


@pytest.mark.parametrize("language", ["hi", "en"])
def test_every_page_that_a_person_can_reach(visit, bad_day: BadDay, language: str) -> None:
    visitor = visit(language)
    visitor.sign_in(bad_day.person)
    crawl = _crawl(visitor, language, bad_day)
    assert crawl.faults == []
    assert len(crawl.pages) >= 25


def test_officer_is_not_led_astray(visit, bad_day: BadDay) -> None:
    """Links on public pages hold for an officer who is signed in, too."""
    visitor = visit("en")
    visitor.sign_in(make_officer())
    crawl = Crawl(visitor, "en", set())
    crawl._look_at("/")
    crawl._look_at("/centres/")
    assert crawl.faults == []
