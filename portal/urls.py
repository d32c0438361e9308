"""Every path of the portal. Paths are a promise: bookmarks, tests and monitoring use them."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from portal import views

urlpatterns = [
    path("", views.HomeView.as_view(), name="home"),
    path("accounts/language/", views.SetLanguageView.as_view(), name="set_language"),
    path(
        "accounts/invitations/<str:token>/",
        views.UserInvitationView.as_view(),
        name="user_invitation",
    ),
    path(
        "accounts/invitations/<str:token>/renew/",
        views.UserInvitationRenewView.as_view(),
        name="user_invitation_renew",
    ),
    path("accounts/address/", views.AddressView.as_view(), name="address"),
    path(
        "accounts/address/<str:token>/",
        views.AddressConfirmView.as_view(),
        name="address_confirm",
    ),
    path("accounts/theme/", views.SetThemeView.as_view(), name="set_theme"),
    path("accounts/time-zone/", views.SetTimeZoneView.as_view(), name="set_time_zone"),
    path("accounts/", include("portal.sign_in.urls")),
    path("customers/", include("relationships.customer_urls")),
    path("customers/add/", include("subscriptions.new_customer_urls")),
    path("customers/<uuid:customer_id>/account/", include("relationships.account_urls")),
    path("customers/<uuid:customer_id>/", include("subscriptions.urls")),
    path("subscriptions/", include("subscriptions.coverage_urls")),
    path("relationships/", include("relationships.urls")),
    path("invitations/", include("relationships.invitation_urls")),
    path("support/partners/", include("relationships.support_urls")),
    path("support/takeover/", include("relationships.take_over_urls")),
    path("support/domain/", include("customers.domain_urls")),
    path("support/", include("subscriptions.support_urls")),
    path("activity/", views.ActivityListView.as_view(), name="activity"),
    path("activity/export/", views.ActivityExportView.as_view(), name="activity_export"),
    path("notices/", views.NoticeListView.as_view(), name="notices"),
    path("notices/dismiss/", views.DismissNoticesView.as_view(), name="dismiss_notices"),
    path("notices/<uuid:uuid>/", views.NoticeDetailView.as_view(), name="notice"),
    path("notices/<uuid:uuid>/dismiss/", views.DismissNoticeView.as_view(), name="dismiss_notice"),
    path("words/", views.WordsView.as_view(), name="words"),
    path("settings/company/", views.CompanyView.as_view(), name="company"),
    path("settings/users/", include("portal.user_urls")),
    path("settings/profile/", views.ProfileView.as_view(), name="profile"),
    path("admin/", admin.site.urls),
    path("healthz", views.alive, name="healthz"),
    path("readyz", views.ready, name="readyz"),
]
if settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]:
    urlpatterns.append(path("accounts/", include("portal.sign_in.provider_urls")))

handler400 = "portal.views.bad_request"
handler403 = "portal.views.permission_denied"
handler404 = "portal.views.page_not_found"
handler429 = "portal.views.too_many_requests"  # called by the limit on attempts
handler500 = "portal.views.server_error"
