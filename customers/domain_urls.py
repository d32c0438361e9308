"""The customer's own domain, at ``/support/domain/``."""

from django.urls import path

from . import views

urlpatterns = [path("", views.DomainView.as_view(), name="customer_domain")]
