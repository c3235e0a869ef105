"""SMS templates as they are filed with the operators, version by version, and their history."""

from functools import cached_property

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from notifications.registry import notation
from notifications.registry.notation import Reading, Variable


class SmsTemplate(models.Model):
    """One version of the words in which a kind may leave, in a language.

    Of the versions whose day has come the newest speaks, or none: an older one never comes back.
    """

    class Category(models.TextChoices):
        SERVICE_IMPLICIT = "service_implicit", _("Service, implicit consent")
        SERVICE_EXPLICIT = "service_explicit", _("Service, explicit consent")
        TRANSACTIONAL = "transactional", _("Transactional")
        PROMOTIONAL = "promotional", _("Promotional")

    class Language(models.TextChoices):
        HINDI = "hi", _("Hindi")
        ENGLISH = "en", _("English")

    kind = models.CharField(_("kind"), max_length=24)
    language = models.CharField(_("language"), max_length=2, choices=Language)
    # A gateway's own name; "" is every gateway. One's own goes before that of all.
    gateway = models.CharField(_("gateway"), max_length=40, blank=True)
    version = models.PositiveSmallIntegerField(_("version"))
    entity_id = models.CharField(_("entity id"), max_length=20)
    header = models.CharField(_("header"), max_length=6)
    template_id = models.CharField(_("template id"), max_length=19)
    # The id of the same text in the panel of the gateway, where that has ids of its own.
    gateway_template_id = models.CharField(
        _("template id of the gateway"), max_length=40, blank=True
    )
    category = models.CharField(_("category"), max_length=20, choices=Category)
    # Letter for letter, variables as tags: {#numeric#}. The office's suffix is part of it.
    text = models.CharField(_("filed text"), max_length=2000)
    # In the order of the text: notation.parsed.
    variables = models.CharField(_("variables"), max_length=400, blank=True)
    # Days in India, both included; null: no end was named.
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    withdrawn_why = models.CharField(_("why withdrawn"), max_length=200, blank=True)
    # When its gateway last answered that it has no template by this id.
    unknown_at = models.DateTimeField(_("not known to the gateway"), null=True, blank=True)

    class Meta:
        verbose_name = _("SMS template")
        verbose_name_plural = _("SMS templates")
        ordering = ["kind", "language", "gateway", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "language", "gateway", "version"],
                name="smstemplate_version_unique",
            ),
            models.CheckConstraint(
                condition=Q(version__gte=1), name="smstemplate_version_counts_from_one"
            ),
            models.CheckConstraint(condition=~Q(kind=""), name="smstemplate_has_kind"),
            models.CheckConstraint(
                condition=Q(language__in=["hi", "en"]), name="smstemplate_language_known"
            ),
            models.CheckConstraint(
                condition=Q(entity_id__regex=r"^[0-9]{1,20}$"), name="smstemplate_entity_id_form"
            ),
            models.CheckConstraint(
                condition=Q(header__regex=r"^[A-Za-z]{6}$"), name="smstemplate_header_form"
            ),
            models.CheckConstraint(
                condition=Q(template_id__regex=r"^[0-9]{19}$"), name="smstemplate_id_form"
            ),
            # Never the 19 digits of the operators, whose place it is taken for.
            models.CheckConstraint(
                condition=Q(gateway_template_id="")
                | (
                    Q(gateway_template_id__regex=r"^[0-9A-Za-z_-]{1,40}$")
                    & ~Q(gateway_template_id__regex=r"^[0-9]{19}$")
                ),
                name="smstemplate_gateway_id_form",
            ),
            # No two gateways have the same ids.
            models.CheckConstraint(
                condition=Q(gateway_template_id="") | ~Q(gateway=""),
                name="smstemplate_gateway_id_of_one_gateway",
            ),
            models.CheckConstraint(
                condition=Q(
                    category__in=[
                        *("service_implicit", "service_explicit"),
                        *("transactional", "promotional"),
                    ]
                ),
                name="smstemplate_category_known",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="smstemplate_has_text"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gte=F("valid_from")),
                name="smstemplate_ends_after_it_begins",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_why="")
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_why="")),
                name="smstemplate_withdrawn_with_reason",
            ),
        ]

    def __str__(self) -> str:
        place = f"{self.kind} {self.language} {self.gateway}".rstrip()
        return f"{place}, version {self.version}"

    @cached_property
    def reading(self) -> Reading:
        """The text in pieces. notation.Unreadable: text and variables do not fit together."""
        return notation.read(self.text, self.ordered_variables)

    @property
    def ordered_variables(self) -> tuple[Variable, ...]:
        return notation.parsed(self.variables)


class SmsTemplateEvent(models.Model):
    """What happened to a template, when, by whom and why."""

    class Verb(models.TextChoices):
        FILED = "filed", _("Filed")
        CHANGED = "changed", _("Changed")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    template = models.ForeignKey(SmsTemplate, on_delete=models.CASCADE, related_name="events")
    verb = models.CharField(max_length=10, choices=Verb)
    # A label, not a key: this app knows nothing of accounts.
    by = models.CharField(max_length=80)
    reason = models.CharField(max_length=200, blank=True)
    # What changed: "valid_until: 2026-12-31 -> 2027-06-30".
    changes = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("event of a template")
        verbose_name_plural = _("events of templates")
        ordering = ["at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verb__in=["filed", "changed", "withdrawn"]),
                name="smstemplateevent_verb_known",
            ),
            models.CheckConstraint(condition=~Q(by=""), name="smstemplateevent_has_actor"),
            models.CheckConstraint(
                condition=~Q(verb="withdrawn") | ~Q(reason=""),
                name="smstemplateevent_withdrawal_has_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verb} by {self.by}"
