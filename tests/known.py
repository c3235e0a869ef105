"""Rows made once in each process, then written as they were: a start that many tests share.

Only for rows that are the same at any hour: whoever reads them later must not see that they were
made before.
"""

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any, Generic, TypeVar

from django.apps import apps
from django.db import transaction
from django.db.models import Model

Made = TypeVar("Made")


class Known(Generic[Made]):
    """Calls `make` the first time; from the second time on writes the rows that it had made."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._known: list[tuple[type[Model], list[Any]]] = []
        self._made: Made

    def __call__(self) -> Made:
        """What `make` returned the first time. The database must be as it was then."""
        if self._known:
            with transaction.atomic():  # the order of tables does not matter until it ends
                for model, rows in self._known:
                    model._base_manager.bulk_create([copy(row) for row in rows], batch_size=500)
            return self._made
        before = {model: _keys(model) for model in _models()}
        self._made = self._make()
        for model in _models():
            rows = list(model._base_manager.exclude(pk__in=before[model]).order_by("pk"))
            if rows:
                self._known.append((model, rows))
        return self._made


def _models() -> Iterator[type[Model]]:
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            yield model


def _keys(model: type[Model]) -> set[Any]:
    return set(model._base_manager.values_list("pk", flat=True))
