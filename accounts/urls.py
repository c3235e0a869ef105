"""Every address of signing in. allauth has many more; only these exist here.

Names that start with account_ or mfa_ are those under which allauth looks for its pages.
"""

from allauth.account.views import logout
from django.urls import path

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
