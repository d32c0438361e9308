import factory
from factory.django import DjangoModelFactory, Password

from portal.models import (
    Membership,
    MembershipRole,
    Partner,
    PartnerType,
    ProofMethod,
    ProvedAddress,
    User,
)
from portal.permissions import Role


class PartnerFactory(DjangoModelFactory):
    """An indirect provider; ``PartnerFactory(reseller=True)`` or ``direct=True`` for the others."""

    class Meta:
        model = Partner

    class Params:
        reseller = factory.Trait(type=PartnerType.INDIRECT_RESELLER)
        direct = factory.Trait(type=PartnerType.DIRECT_BILL)

    name = factory.Sequence("Partner {:03}".format)
    type = PartnerType.INDIRECT_PROVIDER
    mpn_id = factory.Sequence("7{:06}".format)
    country = "DE"
    support_email = factory.Sequence("support@partner-{}.example".format)
    support_phone = "+49 40 5550000"


class UserFactory(DjangoModelFactory):
    """A user of no organisation; ``UserFactory(is_staff=True)`` is an operator."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence("person-{}@people.example".format)
    password = Password("demo-portal")

    @factory.post_generation
    def has_proved(user, create, has_proved, **kwargs):
        """Whether the user has proved its email; it has, unless a test says otherwise."""
        if create and has_proved is not False:
            ProvedAddress.objects.vouch([user], ProofMethod.DEMO)


class MembershipFactory(DjangoModelFactory):
    """A Global admin of a new partner; with ``customer=…`` and no partner, an admin of a customer."""

    class Meta:
        model = Membership
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory)
    partner = factory.Maybe("customer", None, factory.SubFactory(PartnerFactory))
    customer = None

    @factory.post_generation
    def roles(membership, create, roles, **kwargs):
        default = Role.GLOBAL_ADMIN if membership.partner else Role.CUSTOMER_ADMIN
        for role in roles or [default]:
            MembershipRole.objects.create(membership=membership, role=role)
