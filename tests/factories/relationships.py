import factory
from factory.django import DjangoModelFactory

from relationships.models import Partnership, Relationship, RelationshipRequest

from .customers import CustomerFactory
from .portal import MembershipFactory, PartnerFactory


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


class RelationshipRequestFactory(DjangoModelFactory):
    """An open request for DAP, to a firm that the portal does not know."""

    class Meta:
        model = RelationshipRequest

    partner = factory.SubFactory(PartnerFactory)
    created_by = factory.LazyAttribute(lambda made: MembershipFactory(partner=made.partner).user)
    recipient_name = factory.Sequence("Firm {:03}".format)
    recipient_email = factory.Sequence("admin@firm-{}.example".format)
    language = "en"
    subject = "A request"
    text = "Please accept."
