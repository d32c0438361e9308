"""What the customer sees below ``/support/partners/``."""

from django.urls import path

from . import views

app_name = "support_partners"
urlpatterns = [
    path("", views.PartnerListView.as_view(), name="list"),
    path("<uuid:pk>/remove-dap/", views.RemoveDapView.as_view(), name="remove_dap"),
]
