"""What this app holds about a person, for the person. Keys: docs/data-export.md."""

from datetime import datetime
from typing import Any

from accounts import devices
from accounts.models import User


def export(*, person: User, now: datetime) -> dict[str, Any]:
    """JSON-ready; no secrets and no hashes. As many queries for a full account as for an empty."""
    return {
        "account": _account(person),
        "consents": [
            {
                "item": consent.item,
                "notice_version": consent.version,
                "given_at": consent.given_at,
                "withdrawn_at": consent.withdrawn_at,
            }
            for consent in person.consents.all()
        ],
        "devices": [
            {
                "browser": device.browser,
                "system": device.system,
                "signed_in_at": device.signed_in_at,
                "last_used_at": device.last_used_at,
            }
            for device in devices.live_of(person, now)
        ],
        "apps": [
            {
                "name": token.name,
                "allowed_at": token.created_at,
                "last_used_at": token.last_used_at,
                "ends_at": token.expires_at,
                "ended_at": token.revoked_at,
            }
            for token in person.app_tokens.order_by("pk")
        ],
        "sign_in_codes": [
            {
                "asked_at": code.created_at,
                "channel": code.channel,
                "address": code.address,
                "purpose": code.purpose,
                "ended_at": code.ended_at,
            }
            for code in person.sign_in_codes.order_by("created_at")
        ],
    }


def _account(person: User) -> dict[str, Any]:
    return {
        "number": person.pk,
        "name": person.name,
        "mobile_number": person.phone,
        "mobile_number_verified": person.phone_verified,
        "email": person.email,
        "email_verified": person.email_verified,
        "language": person.language,
        "email_messages": person.email_messages,
        "earlier_seats": person.earlier_seats,
        "created_at": person.date_joined,
        "last_sign_in_at": person.last_login,
    }
