import factory
from factory.django import DjangoModelFactory

from relationships.models import Partnership, Relationship

from .customers import CustomerFactory
from .portal import PartnerFactory


class PartnershipFactory(DjangoModelFactory):
    class Meta:
        model = Partnership

    provider = factory.SubFactory(PartnerFactory)
    reseller = factory.SubFactory(PartnerFactory, reseller=True)


class RelationshipFactory(DjangoModelFactory):
    """With delegated admin privileges, unless told otherwise."""

    class Meta:
        model = Relationship

    partner = factory.SubFactory(PartnerFactory)
    customer = factory.SubFactory(CustomerFactory)
    has_dap = True
