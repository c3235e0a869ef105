from django.apps import AppConfig
from django.core.checks import register

from appointments import checks, message_kinds


class AppointmentsConfig(AppConfig):
    name = "appointments"

    def ready(self) -> None:
        message_kinds.register_all()
        register(checks.check_private_files)
        register(checks.check_link_length, deploy=True)
