import factory
from factory.django import DjangoModelFactory

from customers.models import Customer


class CustomerFactory(DjangoModelFactory):
    class Meta:
        model = Customer

    name = factory.Sequence("Customer {:03}".format)
    domain = factory.Sequence("customer-{}.example".format)
    country = "DE"
