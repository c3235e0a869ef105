"""What many ask for in the same minute is worked out once and kept in the cache.

Without a cache it is worked out each time, so that a Redis that is away takes no page down.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache

log = logging.getLogger(__name__)

T = TypeVar("T")


def kept(key: str, make: Callable[[], T], *, kind: type[T], seconds: int) -> T:
    """The value under `key`, made anew if there is none of this kind."""
    try:
        found = cache.get(key)
    except Exception as error:  # whatever the client of a cache raises when the cache is away
        log.warning("no cache: %s", type(error).__name__)
        return make()
    return found if isinstance(found, kind) else keep(key, make(), seconds=seconds)


def keep(key: str, value: T, *, seconds: int) -> T:
    """Keep it for whoever asks next; a cache that cannot is no trouble of this one."""
    try:
        cache.set(key, value, timeout=seconds)
    except Exception as error:
        log.warning("not kept: %s", type(error).__name__)
    return value
