"""Why an SMS cannot leave in filed words."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.errors import RenderError


class Problem(models.TextChoices):
    """What is wrong with a template, or with a message in it."""

    MISSING = "missing", _("No template is filed.")
    NOT_YET = "not_yet", _("The template is not valid yet.")
    EXPIRED = "expired", _("The template is no longer valid.")
    WITHDRAWN = "withdrawn", _("The template was withdrawn.")
    NO_GATEWAY_ID = "no_gateway_id", _("What is filed lacks the gateway's own template id.")
    UNREADABLE = "unreadable", _("The filed text and its variables do not fit together.")
    NO_VALUE = "no_value", _("The message has no value for a variable.")
    TOO_LONG = "too_long", _("A value is longer than its variable allows.")
    WRONG_TAG = "wrong_tag", _("A value is not what its variable is tagged for.")
    FOREIGN_HOST = "foreign_host", _("A link leads to a site that is not whitelisted.")
    UNKNOWN = "unknown", _("The gateway knows no template by the id that is filed.")
    SHARED_ID = "shared_id", _("The id that is filed is another text's as well.")
    # Warnings: such a message still leaves.
    ENDS_SOON = "ends_soon", _("The template ends within 30 days.")
    COSTS_MORE = "costs_more", _("The filed text costs more SMS than the kind's own.")
    SAYS_LESS = "says_less", _("The filed text leaves out what the kind's own text says.")
    UNTAGGED = "untagged", _("A variable has no tag; operators take no new text like that.")


class NotFiled(RenderError):
    """The message cannot leave in filed words: it is not sent, and officers are told.

    The text names the variable, never its value. `variable` is the name of the message's value, ""
    if the whole template is meant.
    """

    def __init__(
        self, problem: Problem, *, kind: str, language: str, gateway: str = "", variable: str = ""
    ) -> None:
        self.problem = problem
        self.kind = kind
        self.language = language
        self.gateway = gateway
        self.variable = variable
        about = f" ({variable})" if variable else ""
        place = f"{kind} {language} {gateway}".rstrip()
        super().__init__(f"{place}: {problem.value}{about}")
