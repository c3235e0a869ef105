"""What must not stand in a log line."""

import logging
import re

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
