"""A script that sends mails over one connection: python -m bench.messages_script HOW HOST PORT FILE

HOW is `bare` (FILE holds mails, ready to go) or `words` (FILE says how many; each is put into
words just before it leaves). Prints the seconds it took.
"""

import pickle
import smtplib
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import django

django.setup()

from bench.messages_words import mail, unsaved  # noqa: E402


def seconds(host: str, port: int, contents: Iterable[bytes]) -> float:
    with smtplib.SMTP(host, port) as client:
        client.ehlo()
        began = time.perf_counter()
        for content in contents:
            client.mail("office@example.org")
            client.rcpt("person@example.org")
            code, reply = client.data(content)
            if code != 250:
                raise RuntimeError(reply)
        return time.perf_counter() - began


if __name__ == "__main__":
    how, host, port, path = sys.argv[1:]
    given = pickle.loads(Path(path).read_bytes())  # noqa: S301
    messages = given if how == "bare" else map(mail, unsaved(given))
    print(seconds(host, int(port), messages))
