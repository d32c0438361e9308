"""What the personal links open, below ``/invitations/``."""

from django.urls import path

from . import views

app_name = "invitations"
urlpatterns = [
    path("<str:token>/", views.InvitationView.as_view(), name="detail"),
    path("<str:token>/accept/", views.InvitationAcceptView.as_view(), name="accept"),
    path("<str:token>/decline/", views.InvitationDeclineView.as_view(), name="decline"),
    path("<str:token>/prove/", views.InvitationProveView.as_view(), name="prove"),
    path("<str:token>/register/", views.InvitationRegisterView.as_view(), name="register"),
    path(
        "<str:token>/register/<str:proof>/",
        views.InvitationRegistrationView.as_view(),
        name="registration",
    ),
]
