"""Every address of signing in. allauth has many more; only these exist here.

Names that start with account_ or mfa_ are those under which allauth looks for its pages. Pages of
the account that need the domain too (my_phone_code, my_email_code, my_email_remove, my_messages,
my_data, my_close) stand in portal/urls.py.
"""

from allauth.account.views import logout
from django.urls import path

from accounts import account_pages as account
from accounts import contact_pages as contact
from accounts import officer_views as officers
from accounts import views
from accounts.models import SignInCode

urlpatterns = [
    path("account/sign-in/", views.RequestCodeView.as_view(), name="account_request_login_code"),
    path(
        "account/sign-in/email/",
        views.RequestCodeView.as_view(by=SignInCode.Channel.EMAIL),
        name="account_request_login_code_by_email",
    ),
    path(
        "account/sign-in/code/",
        views.ConfirmCodeView.as_view(),
        name="account_confirm_login_code",
    ),
    path("account/sign-out/", logout, name="account_logout"),
    path("account/sign-up/", views.to_sign_in, name="account_signup"),
    path("account/login/", views.to_sign_in),
    path("account/", account.overview, name="my_account"),
    path("account/language/", account.language, name="my_language"),
    path("account/notice/", account.notice, name="my_notice"),
    path("account/phone/", contact.NewAddressView.as_view(), name="my_phone"),
    path(
        "account/email/",
        contact.NewAddressView.as_view(channel=SignInCode.Channel.EMAIL),
        name="my_email",
    ),
    path("account/still-you/", contact.ProofView.as_view(), name="my_proof"),
    path("account/still-you/code/", contact.ProofCodeView.as_view(), name="my_proof_code"),
    path("account/devices/", account.device_list, name="my_devices"),
    path("account/devices/others/end/", account.end_other_devices, name="my_devices_end_others"),
    path("account/devices/<int:device_id>/end/", account.end_device, name="my_device_end"),
    path("account/apps/", account.app_list, name="my_apps"),
    path("account/apps/<int:token_id>/end/", account.end_app, name="my_app_end"),
    path("officers/sign-in/", officers.OfficerLoginView.as_view(), name="officer_login"),
    # Where allauth sends an officer whose half-done sign-in has grown too old.
    path("officers/sign-in/", officers.OfficerLoginView.as_view(), name="account_login"),
    path("officers/sign-in/code/", officers.SecondFactorView.as_view(), name="mfa_authenticate"),
    path("officers/security/", officers.SecurityView.as_view(), name="mfa_index"),
    path("officers/security/app/", officers.SetUpAppView.as_view(), name="mfa_activate_totp"),
    path(
        "officers/security/recovery-codes/",
        officers.RecoveryCodesView.as_view(),
        name="mfa_view_recovery_codes",
    ),
    path(
        "officers/security/recovery-codes/new/",
        officers.NewRecoveryCodesView.as_view(),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "officers/security/password/",
        officers.PasswordAgainView.as_view(),
        name="account_reauthenticate",
    ),
    path(
        "officers/security/code/",
        officers.SecondFactorAgainView.as_view(),
        name="mfa_reauthenticate",
    ),
]
