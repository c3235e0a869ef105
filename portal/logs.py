"""What must not stand in a log line."""

import logging
import re

from django.core.exceptions import PermissionDenied

# The token of a message link, wherever it stands as a path of its own: whoever reads the log could
# answer in that person's name. Django logs the path of refused and failed requests.
TOKEN_IN_PATH = re.compile(r"(^|[^\w./-]|://[^/\s]+)/[0-9A-Za-z]{11}(?![\w.-])")


class WithoutTokens(logging.Filter):
    """Rewrites the line; nothing is held back."""

    def filter(self, record: logging.LogRecord) -> bool:
        line = record.getMessage()
        masked = TOKEN_IN_PATH.sub(r"\1/(link)", line)
        if masked != line:
            record.msg, record.args = masked, ()
        return True


class WithoutRefusals(logging.Filter):
    """A page that is not for somebody is refused, and nothing broke: the line says it all."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], PermissionDenied):
            record.exc_info = record.exc_text = None
        return True
