"""Lists in pages: `limit` and `offset`, and a clear no to anything that is neither."""

from typing import Any

from django.utils.translation import gettext
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.views import APIView


class Pagination(LimitOffsetPagination):
    """DRF's, but strict: a program that asks for nonsense has a fault, and should hear of it."""

    default_limit = 100
    max_limit = 200
    largest_offset = 10**6

    def get_limit(self, request: Request) -> int | None:
        return _whole(request, "limit", 1, self.max_limit, self.default_limit)

    def get_offset(self, request: Request) -> int:
        return _whole(request, "offset", 0, self.largest_offset, 0)

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            is_limit = parameter["name"] == "limit"
            parameter["schema"] = {
                "type": "integer",
                "minimum": 1 if is_limit else 0,
                "maximum": self.max_limit if is_limit else self.largest_offset,
            }
        return list(parameters)


def _whole(request: Request, name: str, least: int, most: int, default: int) -> int:
    given = request.query_params.getlist(name)
    if not given:
        return default
    text = given[-1]
    # Seven digits are more than any bound here has.
    is_number = text.isascii() and text.isdigit() and len(text) <= 7
    if len(given) > 1 or not is_number or not least <= int(text) <= most:
        problem = gettext("A whole number from %(least)d to %(most)d.")
        raise ValidationError({name: [problem % {"least": least, "most": most}]})
    return int(text)
