"""MSG91's delivery reports, as its webhook posts them.

Version 2 is a form whose field `data` is JSON: a list of requests, each with a list of reports.
Version 3 is one report in JSON. Both may be mixed with reports on messages that others send through
the same account; those carry no reference of ours.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

from notifications.gateways.msg91 import references
from notifications.gateways.over_http import Unreadable, operators_refusal
from notifications.models import Arrival
from notifications.receipts import Forged, Report, Verdict, unsign

GATEWAY = "msg91"
DELIVERED = {1: "delivered"}
UNDELIVERED = {
    2: "failed",
    9: "not wanted (NDNC)",
    16: "rejected",
    17: "number blocked",
    25: "rejected",
}
# Its newer webhooks may write words instead of numbers.
WORDS = {"delivered": 1, "failed": 2, "ndnc": 9, "rejected": 16, "blocked": 17}
REQUEST_ID = re.compile(r"[0-9A-Za-z_-]{1,100}")
TEMPLATE_WORDS = re.compile(r"template", re.I)
OPERATORS_CODE = re.compile(r"(?<!\d)6[0-3]\d(?!\d)")


def read(body: bytes, content_type: str) -> list[Report | Verdict]:
    """Each report, or why it is none: FORGED, GARBLED. Unreadable: there is no report at all."""
    try:
        entries = list(_entries(_payload(body, content_type)))
    except (ValueError, RecursionError) as error:
        raise Unreadable from error
    if not entries:
        raise Unreadable
    return [_report(entry) for entry in entries]


def _payload(body: bytes, content_type: str) -> Any:
    text = body.decode()
    if "json" not in content_type.lower():
        [text] = parse_qs(text, strict_parsing=True, max_num_fields=20).get("data", [""])
    payload = json.loads(text)
    # The same form, turned into JSON on its way.
    if isinstance(payload, dict) and "data" in payload:
        inner = payload["data"]
        return json.loads(inner) if isinstance(inner, str) else inner
    return payload


def _entries(payload: Any) -> Iterator[Any]:
    """Single reports, each with the id of its request."""
    for item in payload if isinstance(payload, list) else [payload]:
        if isinstance(item, dict) and isinstance(item.get("report"), list):
            for report in item["report"]:
                whole = isinstance(report, dict)
                yield {"requestId": item.get("requestId"), **report} if whole else report
        else:
            yield item


def _report(entry: Any) -> Report | Verdict:
    if not isinstance(entry, dict):
        return Verdict.GARBLED
    carried = entry.get("CRQID")
    if not isinstance(carried, str):
        return Verdict.FORGED
    try:
        reference = unsign(GATEWAY, references.inward(carried))
    except Forged:
        return Verdict.FORGED
    status = _status(entry.get("status"))
    if status is None:
        return Verdict.GARBLED
    request_id = REQUEST_ID.fullmatch(str(entry.get("requestId")))
    return Report(
        arrival=_arrival(status),
        client_reference=reference,
        gateway_reference=request_id[0] if request_id else "",
        detail=_detail(status, entry),
    )


def _status(said: object) -> int | None:
    text = str(said).strip().lower()
    if re.fullmatch(r"[0-9]{1,3}", text):
        return int(text)
    return WORDS.get(text)


def _arrival(status: int) -> Arrival | None:
    """None: it is on its way."""
    if status in DELIVERED:
        return Arrival.DELIVERED
    return Arrival.UNDELIVERED if status in UNDELIVERED else None


def _detail(status: int, entry: dict[str, Any]) -> str:
    """Status and the operators' code, in our words: theirs may hold the number."""
    words = DELIVERED.get(status) or UNDELIVERED.get(status) or "on its way"
    said = f"{entry.get('failedReason', '')} {entry.get('desc', '')}"
    found = OPERATORS_CODE.search(said)
    why = ""
    if status in UNDELIVERED:
        why = operators_refusal(int(found[0])) if found else ""
        if not why and TEMPLATE_WORDS.search(said):
            why = "template not known to its panel, or not as it is there"
    return f"{status} {words}: {why}" if why else f"{status} {words}"
