"""A phone, or a desk, in front of the site, and a witness of what went wrong on it."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from accounts.officers import SECOND_FACTOR
from tools.system_packages import BROWSERS

PHONE_WIDTH = 360
DESK_WIDTH = 1280
HEIGHTS = {PHONE_WIDTH: 740, DESK_WIDTH: 900}
# How long a part of a page may take to show, or a page to open. An officer's step may plan for
# thousands of people on a busy machine: how fast it is, benchmarks say, not these tests.
PATIENCE_MS = 180_000
# A context's timeout does not hold for `expect`, whose own is five seconds: as long as one poll.
expect.set_options(timeout=PATIENCE_MS)
# Everything of WCAG up to 2.2 AA, and what axe calls best practice.
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def launch_arguments() -> dict[str, Any]:
    """Debian's Chromium, or $CHROMIUM. It refuses its sandbox to root, as whom CI runs."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    arguments: dict[str, Any] = {"executable_path": found}
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments["args"] = ["--no-sandbox"]
    return arguments


@dataclass
class Witness:
    """Notes what a reader would not see: script errors, CSP violations, foreign requests.

    A page that answers with an error status makes Chromium log it; a test that goes there says so
    beforehand: `visitor.witness.expected_statuses.add(404)`.
    """

    host: str
    troubles: list[str] = field(default_factory=list)
    expected_statuses: set[int] = field(default_factory=set)

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in {"error", "warning"}:
            return
        if any(f"status of {status} " in message.text for status in self.expected_statuses):
            return
        self.troubles.append(f"console {message.type}: {message.text} {message.location}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self.host, "data:", "about:")):
            self.troubles.append(f"request to another host: {request.url}")


@dataclass
class Visitor:
    """One person's browser: `page` to act on, `url` to name pages, `witness` to fail the test."""

    host: str
    context: BrowserContext
    page: Page
    witness: Witness

    def go(self, path: str) -> Page:
        self.page.goto(self.host + path)
        return self.page

    def follow(self, action: Callable[[], None]) -> Page:
        """Do what opens a page, and wait for it: `follow(page.get_by_role("button").click)`.

        Playwright's clicks and key presses do not wait for the page that they lead to.
        """
        with self.page.expect_navigation():
            action()
        return self.page

    def sign_in(self, user: Any) -> None:
        """Carry a session of that person, as if they had just typed their code.

        An officer's session has proven the second factor; the account must have one set up.
        """
        client = Client()
        client.force_login(user)
        if user.is_staff:
            session = client.session
            # Records count only for the person whom allauth noted beside them.
            session[f"{AUTHENTICATION_METHODS_SESSION_KEY}_user"] = str(user.pk)
            session[AUTHENTICATION_METHODS_SESSION_KEY] = [
                {"method": SECOND_FACTOR, "type": "totp", "at": time.time()}
            ]
            session.save()
        self._cookie(
            settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value
        )

    def speak(self, language: str) -> None:
        """Have chosen a language on the site before."""
        self._cookie(settings.LANGUAGE_COOKIE_NAME, language)

    def _cookie(self, name: str, value: str) -> None:
        self.context.add_cookies([{"name": name, "value": value, "url": self.host}])


def open_visitor(
    browser: Browser,
    host: str,
    *,
    language: str = "",
    width: int = PHONE_WIDTH,
    dark: bool = False,
    scripts: bool = True,
) -> Visitor:
    """Open a browser of its own: no cookie but the language, if one is named."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHTS.get(width, 740)},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        reduced_motion="reduce",
        locale="en-IN",
        timezone_id="Asia/Kolkata",
    )
    context.set_default_timeout(PATIENCE_MS)
    visitor = Visitor(host, context, context.new_page(), Witness(host))
    visitor.witness.watch(visitor.page)
    if language:
        visitor.speak(language)
    return visitor


def axe(page: Page) -> None:
    """Fail with the list of what axe finds on the page as it stands."""
    # Without its preload, which copies imported sheets into inline styles: our CSP forbids them.
    # What passes is neither described nor sent: that takes longer than finding what does not.
    rules = {
        "runOnly": {"type": "tag", "values": AXE_TAGS},
        "preload": False,
        "reporter": "no-passes",
    }
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    violations = page.evaluate("rules => axe.run(rules).then(found => found.violations)", rules)
    assert not violations, "\n".join(_violation_lines(violations))


def _violation_lines(violations: list[dict[str, Any]]) -> list[str]:
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:200]} | {node['failureSummary']}"
        for violation in violations
        for node in violation["nodes"]
    ]


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than the window; 0 when nothing scrolls sideways."""
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def layout_shift(page: Page) -> float:
    """How much things jumped while the page loaded (cumulative layout shift)."""
    return float(
        page.evaluate(
            """() => new Promise(done => {
                let sum = 0;
                new PerformanceObserver(list => {
                    for (const entry of list.getEntries()) sum += entry.value;
                }).observe({type: "layout-shift", buffered: true});
                setTimeout(() => done(sum), 100);
            })"""
        )
    )


VisitorFactory = Callable[..., Visitor]
