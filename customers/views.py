from django.db.models import F

from portal.permissions import Permission
from portal.views import NoticesMixin, ScopedListView

from .models import Customer


class CustomerListView(NoticesMixin, ScopedListView):
    """The customers of the partner, by name."""

    permission_required = Permission.VIEW_CUSTOMERS
    model = Customer

    def get_queryset(self):
        return super().get_queryset().annotate(has_dap=F("relationships__has_dap"))
