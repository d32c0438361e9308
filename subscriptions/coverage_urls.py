"""What stands below ``/subscriptions/``."""

from django.urls import path

from . import views

app_name = "coverage"
urlpatterns = [
    path("", views.CoverageListView.as_view(), name="list"),
    path("export/", views.CoverageExportView.as_view(), name="export"),
    path(
        "partnerships/<uuid:pk>/",
        views.PartnershipSubscriptionsView.as_view(),
        name="partnership",
    ),
    path(
        "partnerships/<uuid:pk>/export/",
        views.PartnershipSubscriptionsExportView.as_view(),
        name="partnership_export",
    ),
    path(
        "relationships/<uuid:pk>/",
        views.RelationshipSubscriptionsView.as_view(),
        name="relationship",
    ),
    path(
        "relationships/<uuid:pk>/export/",
        views.RelationshipSubscriptionsExportView.as_view(),
        name="relationship_export",
    ),
    path("assign/", views.BulkStartView.as_view(), name="assign"),
    path("assign/file/", views.BulkFileView.as_view(), name="file"),
    path("assign/<uuid:pk>/", views.BulkDetailView.as_view(), name="bulk"),
    path("assign/<uuid:pk>/contact/", views.BulkContactView.as_view(), name="contact"),
    path("assign/<uuid:pk>/submit/", views.BulkSubmitView.as_view(), name="submit"),
    path("assign/<uuid:pk>/export/", views.BulkExportView.as_view(), name="bulk_export"),
]
