"""When a person last read the pages of text through (GIGW asks for the date)."""

import datetime as dt

LAST_REVIEWED = dt.date(2026, 11, 24)
# When the accessibility statement's tests were last made as it tells.
ACCESSIBILITY_TESTED = dt.date(2026, 11, 24)
