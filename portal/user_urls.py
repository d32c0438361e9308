"""Users and their roles, below ``/settings/users/``."""

from django.urls import path

from . import views

app_name = "users"
urlpatterns = [
    path("", views.UserListView.as_view(), name="list"),
    path("invite/", views.UserInviteView.as_view(), name="invite"),
    path("<uuid:pk>/", views.UserDetailView.as_view(), name="detail"),
    path("<uuid:pk>/deactivate/", views.UserDeactivateView.as_view(), name="deactivate"),
    path("<uuid:pk>/reactivate/", views.UserReactivateView.as_view(), name="reactivate"),
    path("<uuid:pk>/invite-again/", views.UserInviteAgainView.as_view(), name="invite_again"),
]
