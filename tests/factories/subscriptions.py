import factory
from factory.django import DjangoModelFactory

from subscriptions.models import Billing, Offer, Subscription

from .customers import CustomerFactory
from .portal import PartnerFactory


class OfferFactory(DjangoModelFactory):
    """A license-based offer; ``OfferFactory(usage=True)`` for a usage-based one."""

    class Meta:
        model = Offer

    class Params:
        usage = factory.Trait(billing=Billing.USAGE)

    name = factory.Sequence("Offer {:03}".format)
    publisher = "Contoso"


class SubscriptionFactory(DjangoModelFactory):
    """One license, sold by a provider; ``seller=None`` for one bought elsewhere."""

    class Meta:
        model = Subscription

    customer = factory.SubFactory(CustomerFactory)
    offer = factory.SubFactory(OfferFactory)
    quantity = 1
    seller = factory.SubFactory(PartnerFactory)
