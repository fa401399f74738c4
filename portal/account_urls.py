"""The pages of allauth that this portal has, in its own look. No page needs e-mail, which a portal may not send."""

from allauth.account import views
from allauth.socialaccount import views as single_sign_on
from django.urls import include, path

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("signup/", views.signup, name="account_signup"),  # closed: it says so
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/set/", views.password_set, name="account_set_password"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("2fa/", include("allauth.mfa.urls")),
    path("connections/", single_sign_on.connections, name="socialaccount_connections"),
    path("cancelled/", single_sign_on.login_cancelled, name="socialaccount_login_cancelled"),
    path("error/", single_sign_on.login_error, name="socialaccount_login_error"),
    path("social-signup/", single_sign_on.signup, name="socialaccount_signup"),  # closed: nothing leads to it
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]
