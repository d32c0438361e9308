"""What stands below ``/customers/add/``."""

from django.urls import path

from . import views

app_name = "new_customer"
wizard = views.CustomerAddView.as_view(url_name="new_customer:step")
urlpatterns = [
    path("", wizard, name="start"),
    path("done/<uuid:pk>/", views.CustomerAddedView.as_view(), name="done"),
    path("<slug:step>/", wizard, name="step"),
]
