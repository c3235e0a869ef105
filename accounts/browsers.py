"""From what a browser calls itself to what its owner would call it. Families only, no versions."""

import re

# The first that fits wins: most browsers also call themselves Chrome and Safari.
BROWSERS = (
    ("edge", re.compile(r"\bEdgA?(?:iOS)?/")),
    ("opera", re.compile(r"\b(?:OPR|Opera|OPT)/")),
    ("samsung", re.compile(r"\bSamsungBrowser/")),
    ("uc", re.compile(r"\bUC(?:Browser|WEB)")),
    ("firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("chrome", re.compile(r"\b(?:Chrome|CriOS|Chromium)/")),
    ("safari", re.compile(r"\bSafari/")),
)
SYSTEMS = (
    ("iphone", re.compile(r"\biP(?:hone|od)\b")),
    ("ipad", re.compile(r"\biPad\b")),
    ("kaios", re.compile(r"\bKAIOS/")),
    ("android", re.compile(r"\bAndroid\b")),
    ("windows", re.compile(r"\bWindows NT\b")),
    ("chromeos", re.compile(r"\bCrOS\b")),
    ("mac", re.compile(r"\bMacintosh\b")),
    ("linux", re.compile(r"\bLinux\b|\bX11\b")),
)
# Whatever follows says nothing about the family, and a browser may send what it likes.
READ = 500


def family(user_agent: str) -> tuple[str, str]:
    """(browser, system) as codes: ("chrome", "android"). Empty where not recognised."""
    text = user_agent[:READ]
    return _first(BROWSERS, text), _first(SYSTEMS, text)


def _first(known: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str:
    return next((code for code, pattern in known if pattern.search(text)), "")
