from django.urls import path

from . import provider_views as views

urlpatterns = [
    path(
        "oidc/<slug:provider_id>/",
        views.ProviderSignInView.as_view(),
        name="openid_connect_login",
    ),
    path(
        "oidc/<slug:provider_id>/return/",
        views.ProviderReturnView.as_view(),
        name="openid_connect_callback",
    ),
    path(
        "invitations/<str:token>/oidc/<slug:provider_id>/",
        views.UserInvitationProviderView.as_view(),
        name="user_invitation_provider",
    ),
]
