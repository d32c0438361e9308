from portal.forms import EditForm

from .models import Customer


class CustomerForm(EditForm):
    """The details of a customer that its partners edit."""

    class Meta:
        model = Customer
        fields = Customer.DETAILS
