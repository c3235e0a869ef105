"""The site that is fuzzed: as in production, but without limits, which would answer 429 to all."""

from datetime import timedelta

from portal.settings import *
from portal.settings import REST_FRAMEWORK, SIGN_IN_LIMITS

REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = dict.fromkeys(
    REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "1000000/min"
)
SIGN_IN_LIMITS = {limit: [(10**9, timedelta(seconds=1))] for limit in SIGN_IN_LIMITS}
