import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from customers.models import Customer


class CustomerFactory(DjangoModelFactory):
    """A firm whose admin, if it has one, has said which partners may stay; its domain is not proved."""

    class Meta:
        model = Customer

    name = factory.Sequence("Customer {:03}".format)
    domain = factory.Sequence("customer-{}.example".format)
    country = "DE"
    partners_reviewed_at = factory.LazyFunction(timezone.now)
