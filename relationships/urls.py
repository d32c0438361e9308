"""What stands below ``/relationships/``."""

from django.urls import path

from . import views

app_name = "relationships"
urlpatterns = [
    path("requests/", views.RequestListView.as_view(), name="requests"),
    path("requests/new/", views.RequestCreateView.as_view(), name="request_new"),
    path("requests/<uuid:pk>/", views.RequestDetailView.as_view(), name="request"),
    path("requests/<uuid:pk>/renew/", views.RequestRenewView.as_view(), name="request_renew"),
    path(
        "requests/<uuid:pk>/withdraw/", views.RequestWithdrawView.as_view(), name="request_withdraw"
    ),
    path("resellers/", views.ResellerListView.as_view(), name="resellers"),
    path("resellers/invite/", views.ResellerInviteView.as_view(), name="reseller_invite"),
    path("providers/", views.ProviderListView.as_view(), name="providers"),
    path("partnerships/<uuid:pk>/end/", views.PartnershipEndView.as_view(), name="partnership_end"),
    path("<uuid:pk>/notice/", views.EndedNoticeView.as_view(), name="notice"),
]
