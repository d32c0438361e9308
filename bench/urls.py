"""The paths of the portal, and beside them Django's admin as most projects use it, to compare."""

from django.contrib.admin import AdminSite, ModelAdmin
from django.urls import path

from customers.models import Customer
from portal.urls import handler400, handler403, handler404, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "urlpatterns"]


class StockCustomerAdmin(ModelAdmin):
    list_display = ("name", "domain", "country", "created_at")
    search_fields = ("name", "domain")
    list_filter = ("country",)
    list_per_page = 25
    ordering = ("name",)


stock = AdminSite(name="stock")
stock.register(Customer, StockCustomerAdmin)
urlpatterns = [path("stock-admin/", stock.urls), *urlpatterns]
