from collections.abc import Sequence
from typing import Any

from django.db import transaction

from customers.models import Customer
from portal.authority import Principal, require
from portal.models import Membership, Partner
from portal.permissions import Permission
from relationships.models import Partnership, Relationship

from .subscriptions import Subscription


@transaction.atomic
def add_customer(
    customer: Customer,
    *,
    email: str,
    name: str,
    by: Principal,
    language: str = "",
    reseller: Partner | None = None,
    orders: Sequence[dict[str, Any]] = (),
) -> Customer:
    """Add a customer with all that it starts with, or nothing of it.

    Its relationships with DAP (R2), the subscriptions of ``orders`` (as ``Subscription.objects.add_all``
    takes them, but for the customer), and its first admin, who is mailed a personal link to set a
    password. No single model owns this act: it is in the hands of three.

    Raises ``ValidationError`` like ``Relationship.objects.add_customer`` and
    ``Membership.objects.invite_first_admin``, and ``RefusedOrder``.
    """
    partner = require(by, (Partner, Permission.ADD_CUSTOMERS), last_resort=False)
    records = [order.get("reseller_of_record") for order in orders]
    Partnership.objects.lock_between(partner, [reseller, *records])
    Relationship.objects.add_customer(customer, reseller=reseller, by=by)
    orders = [{**order, "customer": customer} for order in orders]
    Subscription.objects.add_all(orders, by=by)
    Membership.objects.invite_first_admin(
        customer, email=email, name=name, language=language, by=by
    )
    return customer
