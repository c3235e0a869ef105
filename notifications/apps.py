from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from notifications import (
            checks,  # noqa: F401  (its checks register themselves)
            trouble,
        )
        from notifications.registry import alarm
        from notifications.registry import checks as checks_of_templates  # noqa: F401

        trouble.add_source(alarm.text_problems)
