from importlib import import_module

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.core.checks import register

from accounts import checks, message_kinds


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        message_kinds.register_all()
        # Models cannot be imported before the apps are ready.
        devices = import_module("accounts.devices")
        user_logged_in.connect(devices.on_sign_in, dispatch_uid="accounts.devices")
        for check in checks.ALL:
            register(check)
