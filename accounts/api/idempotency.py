"""Every POST may be sent again: `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).

The row of the key is claimed before the verb runs and keeps the answer afterwards, each in a
transaction of its own. An app that lost an answer sends the same again and gets the same. Should
the process die in between, the claim runs out and the verb runs once more; verbs are idempotent
themselves, so that this does no harm either.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import limits
from accounts.api.problems import MEDIA_TYPE, own_problem
from accounts.models import AppToken, IdempotentRequest

HEADER = "Idempotency-Key"
KEY = re.compile(r"[\x21-\x7e]{1,255}")
# Longer than any request may take; then its process is taken for dead.
CLAIM = timedelta(seconds=60)
KEPT_FOR = timedelta(days=1)
# An answer that only tells to come again is not kept: it would tell so for a day.
PASSING = {401, 403, 409, 429}


@dataclass(frozen=True)
class Claim:
    """This request is the one that answers."""

    row: int
    until: datetime


class Answered(Exception):
    """The answer is known without running the view; carried to `handle_exception`."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


class Idempotent(APIView):
    """Base of views with a POST. Mix in first; nothing else is needed."""

    _claim: Claim | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method == "POST" and hasattr(self, "post"):
            claimed = _claim_key(request)
            if isinstance(claimed, IdempotentRequest):
                raise Answered(self._again(request, claimed))
            self._claim = claimed

    def kept(self, body: Any) -> Any:
        """What is stored of an answer: all of it, but for secrets (told_again fills them in)."""
        return body

    def told_again(self, request: Request, body: Any) -> Any:
        """The answer to the same request once more, from what was stored."""
        return body

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Answered):
            return exc.answer
        try:
            return super().handle_exception(exc)
        except Exception:
            self._let_go()
            raise

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self._claim is not None:
            if answer.status_code >= 500 or answer.status_code in PASSING:
                self._let_go()
            else:
                self._keep(answer)
        return answer

    def _keep(self, answer: Response) -> None:
        assert self._claim is not None
        body = self.kept(json.loads(json.dumps(answer.data, default=str))) if answer.data else None
        _mine(self._claim).update(status=answer.status_code, body=body)

    def _let_go(self) -> None:
        if self._claim is not None:
            _mine(self._claim).delete()

    def _again(self, request: Request, row: IdempotentRequest) -> Response:
        assert row.status is not None
        refused = row.status >= 400
        return Response(
            row.body if refused else self.told_again(request, row.body),
            status=row.status,
            content_type=MEDIA_TYPE if refused else None,
            headers={"Idempotent-Replayed": "true"},
        )


def _claim_key(request: Request) -> Claim | IdempotentRequest:
    """Claim the key, or find the row that has its answer.

    Answered: no key, a key of another request, an answer that is still coming.
    """
    key = key_of(request)
    now = timezone.now()
    fingerprint = _hash("request", request.method or "", request.get_full_path(), _body(request))
    with transaction.atomic():
        row, created = IdempotentRequest.objects.get_or_create(
            key_hash=_hash("key", _asker(request), key),
            defaults={
                "fingerprint": fingerprint,
                "created_at": now,
                "claimed_until": now + CLAIM,
            },
        )
    if created:
        return Claim(row.pk, row.claimed_until)
    if row.fingerprint != fingerprint:
        raise Answered(own_problem("idempotency_key_reused"))
    if row.status is not None:
        return row
    until = now + CLAIM
    abandoned = IdempotentRequest.objects.filter(
        pk=row.pk, status__isnull=True, claimed_until__lte=now
    )
    if abandoned.update(claimed_until=until):
        return Claim(row.pk, until)
    raise Answered(own_problem("idempotency_in_progress", {"Retry-After": "1"}))


def key_of(request: Request) -> str:
    """The request's key; Answered: there is none, or not one of 1 to 255 visible letters."""
    key = request.headers.get(HEADER, "").strip()
    if not KEY.fullmatch(key):
        raise Answered(own_problem("idempotency_key_missing"))
    return key


def delete_old(*, now: datetime) -> int:
    """Forget answers that are a day old; returns how many."""
    deleted, _by_model = IdempotentRequest.objects.filter(created_at__lte=now - KEPT_FOR).delete()
    return deleted


def _asker(request: Request) -> str:
    if isinstance(request.auth, AppToken):
        return f"person:{request.auth.person_id}"
    return f"network:{limits.network_of(plain(request))}"


def plain(request: Request) -> HttpRequest:
    """Django's own request behind DRF's."""
    return request._request


def _body(request: Request) -> str:
    return plain(request).body.decode("latin-1")


def _mine(claim: Claim) -> Any:
    return IdempotentRequest.objects.filter(
        pk=claim.row, status__isnull=True, claimed_until=claim.until
    )


def _hash(*parts: str) -> str:
    return salted_hmac("accounts.idempotency", "\n".join(parts), algorithm="sha256").hexdigest()
