from django.apps import AppConfig
from django.core.checks import register

from accounts import checks, message_kinds


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        message_kinds.register_all()
        for check in checks.ALL:
            register(check)
