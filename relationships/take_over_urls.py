"""What the admin of a customer decides before anything else, below ``/support/takeover/``."""

from django.urls import path

from . import views

app_name = "take_over"
urlpatterns = [
    path("", views.TakeOverView.as_view(), name="own"),
    path("<uuid:pk>/", views.RecordTakeOverView.as_view(), name="record"),
]
