"""Who looked at what is masked."""

from django.conf import settings
from django.db import models

from notifications.models import Message


class AddressLook(models.Model):
    """An officer saw the whole address of a message. Kept for a year (DPDP: logs of access)."""

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="+")
    officer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"look at the address of {self.message_id}, {self.at:%Y-%m-%d %H:%M}"
