import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from lists.compiled_queries import BindParameter
from lists.expressions import having_words
from lists.set_statements import lock_selected
from portal.answering import Answering
from portal.authority import Principal, person_of, require
from portal.clocks import now_after
from portal.models import Action, ActivityEntry, Actor, Membership, Partner, describe
from portal.permissions import Permission
from portal.text import words_of
from portal.zones import start_of_day, today
from relationships.models import Partnership, Relationship

from .subscription_breaches import SubscriptionBreaches
from .support_contacts import SupportContactAssignment
from .telling import Change, tell
from .terms import REACTIVATION_PERIOD

if TYPE_CHECKING:
    from .offers import Offer
    from .subscriptions import Subscription


class SubscriptionStatus(models.TextChoices):
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")


def order_id(key: uuid.UUID, offer: "Offer") -> uuid.UUID:
    """Return the id of what the order ``key`` makes of an offer, however often it is sent."""
    return uuid.uuid5(key, str(offer.pk))


class Former(NamedTuple):
    """What a partner still reads of a subscription that it lost."""

    name: str
    customer: str
    answered_until: datetime | None
    sold_until: datetime | None


class RefusedOrder(ValidationError):
    """One of several orders was refused, so none was carried out; ``offer`` says which."""

    def __init__(self, offer: "Offer", error: ValidationError) -> None:
        super().__init__(getattr(error, "error_dict", error))
        self.offer = offer


class SubscriptionQuerySet(SubscriptionBreaches):
    def active(self) -> Self:
        return self.filter(status=SubscriptionStatus.ACTIVE)

    def sold_by(self, partner: Partner) -> Self:
        return self.filter(seller=partner)

    def holdings(self) -> dict[str, set[uuid.UUID]]:
        """Return the keys of the offers of these, as ``Offer.refusal_to`` weighs them.

        The ``active`` ones, and the ``held``: those too that are suspended but can be reactivated (S2).
        """
        first = start_of_day(today() - REACTIVATION_PERIOD)
        usable = models.Q(suspended_at=None) | models.Q(suspended_at__gte=first)
        rows = self.filter(usable).values_list("offer", "status")
        active = {offer for offer, status in rows if status == SubscriptionStatus.ACTIVE}
        return {"active": active, "held": {offer for offer, status in rows}}

    def supported_by(self, partner: Partner) -> Self:
        return self.filter(support_contact=partner)

    def on_behalf_of(self, provider: Partner) -> Self:
        """Return those whose support contact rests on a partnership with ``provider``.

        What it sold, and what was bought elsewhere and assigned by its staff (C4).
        """
        in_force = SupportContactAssignment.objects.filter(
            subscription=models.OuterRef("pk"), ended_at=None, designated_for=provider
        )
        return self.filter(
            models.Q(seller=provider) | models.Q(models.Exists(in_force), seller=None)
        )

    def weigh(self) -> Answering:
        """Return what becomes of these, all of one contact, when its right ends (C9), as ``Answering``."""
        return next(iter(self.weigh_each("support_contact").values()), Answering())

    def weigh_each(self, *by: str) -> dict[tuple, Answering]:
        """Return an ``Answering`` for each group with the same values of ``by``, which leaves one contact."""
        columns = (*by, "support_contact", "seller", "seller__name")
        counted = self.values_list(*columns).annotate(count=models.Count("pk"))
        groups: dict[tuple, tuple] = {}
        for *group, contact, seller, name, count in counted.order_by("seller__name_key", "seller"):
            _contact, sellers = groups.setdefault(tuple(group), (contact, []))
            sellers.append((seller, name, count))
        of_customers = self.order_by().values_list(*by)
        of_customers = of_customers.annotate(count=models.Count("customer", distinct=True))
        customers = {tuple(group): count for *group, count in of_customers}
        return {
            group: Answering.of(contact, sellers, customers[group])
            for group, (contact, sellers) in groups.items()
        }

    def with_chooser(self) -> Self:
        """Add ``chooser``: the provider on whose behalf the contact answers, as ``on_behalf_of`` has it."""
        in_force = SupportContactAssignment.objects.filter(
            subscription=models.OuterRef("pk"), ended_at=None
        )
        chosen_by = models.Subquery(in_force.values("designated_for")[:1])
        chooser = Coalesce("seller", chosen_by, output_field=models.UUIDField())
        return self.annotate(chooser=chooser)

    def visible_to(self, membership: Membership | None) -> Self:
        """Return the subscriptions that exist for ``membership`` (S3, T1).

        A customer has its own. A partner with an active relationship has those that it sold, is
        reseller of record or support contact of, and with DAP those bought elsewhere.
        """
        if membership is None:
            return self.none()
        if membership.customer_id:
            return self.filter(customer=membership.customer_id)
        return self.visible_to_partner(membership.partner_id)

    def visible_to_partner(self, partner: uuid.UUID | BindParameter | None) -> Self:
        """Return what ``visible_to`` does for the partner with this key."""
        # Asked for each row that another index has found: a list of them all would be long.
        relationship = Relationship.objects.active().filter(
            partner=partner, customer=models.OuterRef("customer")
        )
        return self.filter(
            models.Q(seller=partner)
            | models.Q(reseller_of_record=partner)
            | models.Q(support_contact=partner)
            | models.Q(models.Exists(relationship.with_dap()), seller=None),
            models.Exists(relationship),
        )

    def formerly(self, partner: uuid.UUID, customer: uuid.UUID, key: uuid.UUID) -> Former | None:
        """Return what ``partner`` may still know of a subscription that is no longer its own (C11, T1).

        As it was called in the last entry of the log that the partner may read. None where it neither
        answered for it nor sold it.
        """
        history = SupportContactAssignment.objects.filter(
            subscription=key, subscription__customer=customer, partner=partner
        )
        answered_until = history.aggregate(at=models.Max("ended_at"))["at"]
        sold_until = (
            Relationship.objects.filter(
                models.Exists(self.filter(pk=key, customer=customer, seller=partner)),
                partner=partner,
                customer=customer,
            ).aggregate(at=models.Max("ended_at"))
        )["at"]
        if not (answered_until or sold_until):
            return None
        entries = ActivityEntry.objects.filter(
            readers__partner=partner, readers__customer=customer, subject_id=key
        )
        last = entries.order_by("-pk").values_list("subject", "customer__name").first()
        return last and Former(*last, answered_until, sold_until)

    def with_parties(self) -> Self:
        """Load what a row shows of the firms around a subscription."""
        return self.select_related("offer", "seller", "reseller_of_record", "support_contact")

    def follow(self, customer: Customer) -> None:
        """Copy the name of ``customer`` to these rows, by which lists sort and search."""
        lock_selected(self)
        self.update(customer_key=customer.name_key)

    def follow_relationship(self, relationship: Relationship) -> None:
        """Put what its partner sold into that one's lists, or take it out once it has ended (R9, T1)."""
        seller = None if relationship.ended_at else relationship.partner
        sold = self.sold_by(relationship.partner)
        lock_selected(sold)
        sold.update(visible_seller=seller)

    def move(self, source: Customer, target: Customer) -> None:
        """Let ``target`` have what ``source``, another record of the same firm, has (R15).

        Who sold to either and looks after the firm finds all of it in its lists.
        """
        lock_selected(self.model.objects.filter(customer__in=[source, target]))
        self.model.objects.filter(customer=source).update(
            customer=target, customer_key=target.name_key
        )
        sold_by_partners = Relationship.objects.active().filter(
            customer=target, partner=models.OuterRef("seller")
        )
        self.model.objects.filter(
            models.Exists(sold_by_partners), customer=target, visible_seller=None
        ).update(visible_seller=models.F("seller"))

    def search(self, text: str) -> Self:
        """Return those whose friendly name contains every word of ``text``; case and accents don't count."""
        return having_words(self, words_of(text), "name_key")

    @transaction.atomic
    def add(self, *, by: Principal, **fields: Any) -> "Subscription":
        """Add a subscription that the partner of ``by`` sells to a customer (S1), and log it.

        An operator adds it for any ``seller``, or for none if bought elsewhere. Raises ``NotAllowed``
        unless the roles of ``by`` include it, and ``ValidationError`` for what ``clean`` refuses: without an
        active relationship nothing is sold (R9).
        """
        added = self.model(**fields)
        acting = require(by, (Partner, Permission.MANAGE_SUBSCRIPTIONS))
        if acting is not None:
            added.seller = acting
        # Whoever ends the partnership waits here, or is seen in clean(); so below.
        Partnership.objects.lock_between(added.seller, [added.reseller_of_record])
        if added.seller is None:
            # What was bought elsewhere rests on no relationship; nothing is added to a joined record (R15).
            added.customer.lock()
        # Whoever ends the relationship waits here, and finds the subscription, or is seen in clean(). So
        # does a colleague who sells the same offer, or suspends the base of this add-on.
        Relationship.objects.active().filter(partner=added.seller, customer=added.customer).lock()
        added.full_clean()
        added.start_term()
        added.save()
        after = describe(added, self.model.ADDED_FIELDS)
        filled = {name: value for name, value in after.items() if value}
        added.record(Action.SUBSCRIPTION_ADDED, by=by, after=filled)
        return added

    @transaction.atomic
    def add_all(
        self, orders: Sequence[dict[str, Any]], *, by: Principal, key: uuid.UUID | None = None
    ) -> list["Subscription"]:
        """Add several that the partner of ``by`` sells, all or none (S1).

        ``orders`` are dictionaries of the fields of ``add``; bases go before their add-ons. ``key``, a
        UUID, makes it safe to send twice: what was added with it before is returned as it is. Raises
        ``NotAllowed`` unless the roles of ``by`` include it, and ``RefusedOrder`` for the first order that
        ``add`` refuses.
        """
        seller = require(by, (Partner, Permission.MANAGE_SUBSCRIPTIONS), last_resort=False)
        if not orders:
            return []
        # All that the orders rest on, before the first is carried out: the order of locks is always the
        # same. Who sends the same twice waits here until the first is done.
        Partnership.objects.lock_between(seller, [one.get("reseller_of_record") for one in orders])
        Relationship.objects.active().filter(
            partner=seller, customer__in=[one["customer"] for one in orders]
        ).lock()
        added = []
        for order in sorted(orders, key=lambda order: order["offer"].is_add_on):
            sent_before = None
            if key:
                order = {**order, "id": order_id(key, order["offer"])}
                sent_before = self.filter(
                    pk=order["id"], seller=seller, customer=order["customer"]
                ).first()
            try:
                added.append(sent_before or self.add(by=by, **order))
            except ValidationError as error:
                raise RefusedOrder(order["offer"], error) from error
        return added

    @transaction.atomic
    def fall_back(
        self, reason: Action, *, by: Principal, between: Sequence[Partner | Customer] = ()
    ) -> int:
        """Give these subscriptions back to their sellers, or to nobody if bought elsewhere (C9).

        ``reason`` is the ``Action`` that took the contact its right; it stands in the history and in
        the log of each subscription. Those already with their seller stay as they are. ``between`` are
        the firms between which something ended: they are told, in one with what fell back (C11). Returns
        how many fell back.
        """
        person_of(by)
        fallen = list(
            self.exclude(support_contact=models.F("seller"))
            .exclude(support_contact=None)
            .select_for_update(of=("self",), no_key=True)
            .select_related("customer", "seller", "reseller_of_record", "support_contact")
            .order_by("pk")
        )
        if not fallen:
            tell([], reason, by=by, at=timezone.now(), between=between)
            return 0
        keys = [subscription.pk for subscription in fallen]
        in_force = SupportContactAssignment.objects.filter(subscription__in=keys, ended_at=None)
        choosers = {
            one.subscription_id: one.designated_for
            for one in in_force.select_related("designated_for")
        }
        now = now_after(in_force.aggregate(at=models.Max("started_at"))["at"])
        in_force.update(ended_at=now)
        actor = Actor.objects.of(by)
        SupportContactAssignment.objects.bulk_create(
            SupportContactAssignment(
                subscription=subscription,
                partner=subscription.seller,
                started_at=now,
                changed_by=actor,
                reason=reason,
            )
            for subscription in fallen
        )
        self.model.objects.filter(pk__in=keys).update(
            support_contact=models.F("seller"), contact_changed_at=now
        )
        ActivityEntry.objects.record_many(
            [
                {
                    "action": Action.SUPPORT_CONTACT_FELL_BACK,
                    "by": by,
                    "partners": [*subscription.parties, choosers[subscription.pk]],
                    "customer": subscription.customer,
                    "subject": subscription,
                    "before": {"support_contact": str(subscription.support_contact)},
                    "after": {"support_contact": str(subscription.seller or "")},
                    "reason": reason,
                }
                for subscription in fallen
            ]
        )
        changes = (
            Change(
                one.pk,
                str(one),
                one.customer_id,
                str(one.customer),
                one.support_contact_id,
                one.seller_id,
            )
            for one in sorted(fallen, key=lambda one: (one.customer_key, one.name_key))
        )
        tell(changes, reason, by=by, at=now, between=between)
        return len(fallen)
