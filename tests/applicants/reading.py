"""What a reader sees of an answer, and where the pages are."""

import re
from typing import Any

from django.http import HttpResponse
from django.urls import reverse


def text(response: HttpResponse) -> str:
    """The words of the page itself: no tags, one space."""
    body = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def page(name: str, *args: Any) -> str:
    return reverse(f"appointments:{name}", args=args)
