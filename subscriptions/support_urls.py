"""What the customer sees below ``/support/``."""

from django.urls import path

from . import views

app_name = "support"
urlpatterns = [
    path("", views.SupportListView.as_view(), name="list"),
    path("relationships/<uuid:pk>/", views.PartnerProductsView.as_view(), name="relationship"),
    path(
        "relationships/<uuid:pk>/export/",
        views.PartnerProductsExportView.as_view(),
        name="relationship_export",
    ),
    path("<uuid:pk>/vcard/", views.SupportCardView.as_view(), name="vcard"),
    path("<uuid:pk>/history/", views.ContactHistoryView.as_view(), name="history"),
]
