from django.apps import AppConfig

from appointments import message_kinds


class AppointmentsConfig(AppConfig):
    name = "appointments"

    def ready(self) -> None:
        message_kinds.register_all()
