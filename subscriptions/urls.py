"""What stands below ``/customers/<customer_id>/``."""

from django.urls import path

from . import views

app_name = "subscriptions"
urlpatterns = [
    path("", views.SubscriptionListView.as_view(), name="list"),
    path("subscriptions/export/", views.SubscriptionExportView.as_view(), name="export"),
    path("subscriptions/add/", views.SubscriptionAddView.as_view(), name="add"),
    path("subscriptions/<uuid:pk>/", views.SubscriptionDetailView.as_view(), name="detail"),
    path(
        "subscriptions/<uuid:pk>/support-contact/review/",
        views.SupportContactReviewView.as_view(),
        name="review",
    ),
    path("subscriptions/<uuid:pk>/edit/", views.SubscriptionEditView.as_view(), name="edit"),
    path("subscriptions/<uuid:pk>/suspend/", views.SuspendView.as_view(), name="suspend"),
    path("subscriptions/<uuid:pk>/reactivate/", views.ReactivateView.as_view(), name="reactivate"),
    path(
        "subscriptions/<uuid:pk>/history/",
        views.SupportContactHistoryView.as_view(),
        name="history",
    ),
    path(
        "subscriptions/<uuid:pk>/history/export/",
        views.SupportContactHistoryExportView.as_view(),
        name="history_export",
    ),
]
