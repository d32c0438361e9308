"""Rows with boring defaults, one module an app. Whatever a test is about, it says itself."""

from .customers import CustomerFactory
from .portal import MembershipFactory, PartnerFactory, UserFactory
from .relationships import (
    PartnershipFactory,
    RelationshipFactory,
    RelationshipRequestFactory,
)
from .subscriptions import OfferFactory, SubscriptionFactory

__all__ = [
    "CustomerFactory",
    "MembershipFactory",
    "OfferFactory",
    "PartnerFactory",
    "PartnershipFactory",
    "RelationshipFactory",
    "RelationshipRequestFactory",
    "SubscriptionFactory",
    "UserFactory",
]
