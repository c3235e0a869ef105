"""What the sign-in API takes and says."""

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from accounts.api.problems import MEDIA_TYPE
from accounts.forms import PHONE_ERRORS
from accounts.models import AppToken, Language
from accounts.phones import NotAMobile, parse_mobile

# Problem details (RFC 9457). `errors` names the fields at fault.
ProblemSerializer = inline_serializer(
    name="Problem",
    fields={
        "type": serializers.CharField(),
        "title": serializers.CharField(),
        "status": serializers.IntegerField(),
        "code": serializers.CharField(),
        "detail": serializers.CharField(required=False),
        "errors": serializers.DictField(required=False),
    },
)


def problems(*statuses: int) -> dict[tuple[int, str], Any]:
    """For `extend_schema(responses=...)`: what an operation may refuse with."""
    return {(status, MEDIA_TYPE): ProblemSerializer for status in statuses}


class TextField(serializers.CharField):
    """DRF's takes numbers for texts: a code sent as one would have lost its leading zeros."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class CodeAskedSerializer(serializers.Serializer):
    """A code by SMS to this Indian mobile number."""

    phone = TextField(max_length=40, help_text="For example 98765 43210.")
    language = serializers.ChoiceField(
        choices=Language.choices, required=False, help_text="Of the SMS; default: of the answer."
    )

    def validate_phone(self, typed: str) -> str:
        try:
            return parse_mobile(typed)
        except NotAMobile as error:
            raise serializers.ValidationError(PHONE_ERRORS[error.code], code=error.code) from error


class CodeSentSerializer(serializers.Serializer):
    code_id = serializers.UUIDField(source="id")
    expires_at = serializers.DateTimeField()


class TokenAskedSerializer(serializers.Serializer):
    """The code from the SMS, and what the app calls itself."""

    code_id = serializers.UUIDField()
    code = TextField(max_length=20)
    name = TextField(max_length=80)


class TokenSerializer(serializers.ModelSerializer):
    """A token, never its secret."""

    current = serializers.SerializerMethodField(help_text="Whether this request came with it.")

    class Meta:
        model = AppToken
        fields = ("id", "name", "kind", "created_at", "last_used_at", "expires_at", "current")

    def get_current(self, token: AppToken) -> bool:
        return token == self.context.get("token")


class TokenOpenedSerializer(serializers.Serializer):
    """The secret is told once: keep it as you would a password."""

    id = serializers.IntegerField()
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()
