"""What stands below ``/customers/<customer_id>/account/``."""

from django.urls import path

from . import views

app_name = "account"
urlpatterns = [
    path("", views.CustomerAccountView.as_view(), name="detail"),
    path("edit/", views.CustomerEditView.as_view(), name="edit"),
    path("give-up-dap/", views.GiveUpDapView.as_view(), name="give_up_dap"),
    path("suspend/", views.SuspendBlockingView.as_view(), name="suspend"),
    path("remove/", views.RelationshipRemoveView.as_view(), name="remove"),
]
