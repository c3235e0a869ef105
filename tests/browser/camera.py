"""Plays the scenes before a running site and keeps the pictures."""

from collections.abc import Iterator
from pathlib import Path

from django.db.models import Q
from playwright.sync_api import Browser, Page, sync_playwright

from accounts.models import User
from tests.browser.harness import launch_arguments, open_visitor
from tests.browser.png import small
from tests.browser.scenes import SCENES
from tests.browser.shots import Later, Shot


class TroubleOnPage(Exception):
    """A page which was to be photographed logged an error; the text says which."""


def play(host: str, folder: Path, wanted: list[str], later: Later) -> Iterator[tuple[Path, int]]:
    """Yields each picture's file and size in bytes. `wanted`: names; empty: all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_arguments())
        reader = browser.new_page()
        for scene in SCENES:
            if scene.prepare:
                scene.prepare(later)
            for shot in scene.shots:
                if not wanted or shot.name in wanted:
                    picture = _picture(browser, host, shot, reader)
                    path = folder / f"{shot.name}.png"
                    path.parent.mkdir(exist_ok=True)
                    path.write_bytes(picture)
                    yield path, len(picture)
        browser.close()


def _picture(browser: Browser, host: str, shot: Shot, reader: Page) -> bytes:
    visitor = open_visitor(browser, host, language=shot.language, width=shot.width, dark=shot.dark)
    if shot.who:
        visitor.sign_in(User.objects.get(Q(email=shot.who) | Q(phone=shot.who)))
    page = visitor.go(shot.path if isinstance(shot.path, str) else shot.path())
    if shot.act:
        shot.act(page)
    png = page.screenshot(full_page=shot.whole)
    visitor.context.close()
    if visitor.witness.troubles:
        raise TroubleOnPage(f"{shot.name}: {visitor.witness.troubles}")
    return small(png, reader)
