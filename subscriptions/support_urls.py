"""What the customer sees below ``/support/``."""

from django.urls import path

from . import views

app_name = "support"
urlpatterns = [path("", views.SupportListView.as_view(), name="list")]
