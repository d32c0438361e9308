import uuid

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Left, StrIndex
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from lists.expressions import having_words
from lists.set_statements import lock_selected
from portal.authority import require
from portal.clocks import in_order, now_after
from portal.models import Action, ActivityEntry, KeyField, Partner, describe
from portal.permissions import Permission

from .changes_of_hands import ChangeOfHands
from .partnerships import Partnership
from .regions import SalesRegion


class RelationshipQuerySet(ChangeOfHands):
    def visible_to(self, membership):
        """Return the relationships that ``membership`` takes part in, from either side (T1)."""
        if membership is None:
            return self.none()
        if membership.customer_id:
            return self.filter(customer=membership.customer_id)
        return self.filter(partner=membership.partner_id)

    def with_dap(self):
        return self.active().filter(has_dap=True)

    def doubled(self):
        """R1: active relationships beside an older one of the same partner and customer."""
        older = self.model.objects.active().filter(
            partner=models.OuterRef("partner"), customer=models.OuterRef("customer")
        )
        older = older.filter(
            models.Q(started_at__lt=models.OuterRef("started_at"))
            | models.Q(started_at=models.OuterRef("started_at"), pk__lt=models.OuterRef("pk"))
        )
        return self.active().filter(models.Exists(older)).order_by("pk")

    def with_supported_count(self):
        """Add ``supported_count``: for how many subscriptions of the customer the partner answers."""
        return self.annotate(
            supported_count=models.Count(
                "customer__subscriptions",
                filter=models.Q(customer__subscriptions__support_contact=models.F("partner")),
            )
        )

    def with_weight(self):
        """Add ``supported_count``, and ``sold_count``: how many active ones the partner sold (R9)."""
        sold = models.Q(
            customer__subscriptions__seller=models.F("partner"),
            customer__subscriptions__suspended_at=None,
        )
        return self.with_supported_count().annotate(
            sold_count=models.Count("customer__subscriptions", filter=sold)
        )

    def follow(self, customer):
        """Copy the name and domain of ``customer`` to these rows, by which lists sort and search."""
        together = customer.written_together(customer.name_key, customer.domain)
        lock_selected(self)
        self.update(name_and_domain=together, customer_domain=customer.key_of(customer.domain))

    def named(self, words):
        """Return those with a customer whose name, not domain, has every one of ``words``, folded."""
        end = StrIndex("name_and_domain", models.Value(Customer.SEPARATOR)) - 1
        # The name is cut out of the few that have the words at all.
        found = having_words(self, words, "name_and_domain")
        return having_words(found.alias(name=Left("name_and_domain", end)), words, "name")

    @transaction.atomic
    def start(self, partner, customer, *, has_dap, by):
        """Let ``partner`` act for ``customer``, as the customer's admin wants (R2), and log it.

        Raises ``ValidationError`` if it does already (R1), if the two are not in the same sales region
        (R11), and ``NotAllowed`` unless ``by`` may answer for the customer.
        """
        require(by, (customer, Permission.ANSWER_REQUESTS))
        # One at a time for each customer: of two that start the same relationship one is refused.
        customer.lock()
        return self._begin(partner, customer, has_dap=has_dap, by=by)

    def _begin(self, partner, customer, *, has_dap, by):
        relationship = self.model(partner=partner, customer=customer, has_dap=has_dap)
        relationship.full_clean()
        relationship.save()
        relationship.record(Action.RELATIONSHIP_STARTED, by=by, after={"has_dap": has_dap})
        return relationship

    @transaction.atomic
    def add_customer(self, customer, *, by, reseller=None):
        """Add a customer that is new in the portal; the partner of ``by`` acts for it, with DAP (R2).

        So does ``reseller``, for whom a provider may add it. Raises ``NotAllowed`` unless ``by`` may add
        customers for a partner, and ``ValidationError`` at its field for what is not valid: a domain that
        one of its customers has, or that another has proved (R15), a country of another sales region (R11),
        a reseller without a partnership.
        """
        partner = require(by, (Partner, Permission.ADD_CUSTOMERS), last_resort=False)
        if reseller is not None:
            # Whoever ends the partnership waits here, or is seen.
            together = Partnership.objects.lock_between(partner, [reseller])
            if not together or not Partner.objects.active().filter(pk=reseller.pk).exists():
                raise ValidationError(
                    {
                        "reseller": ValidationError(
                            _("Your company does not work with this reseller."), code="R2"
                        )
                    }
                )
        partners = [partner] if reseller is None else [partner, reseller]
        # Of two colleagues who add the same firm, one waits here, and is told.
        Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
        customer.full_clean()
        Customer.objects.require_new(customer.domain, to=partner)
        for one in partners:
            try:
                SalesRegion.objects.require_common(one, customer)
            except ValidationError as error:
                raise ValidationError({"country": error}) from error
        try:
            with transaction.atomic():
                customer.save(force_insert=True)
        except IntegrityError:
            # The same customer was sent twice: say so where it can be said.
            customer._state.adding = True
            customer.full_clean()
            raise
        for one in partners:
            self._begin(one, customer, has_dap=True, by=by)
        after = describe(customer, ["name", "domain", "country"])
        customer.record(Action.CUSTOMER_ADDED, by=by, after=after)
        return customer

    @transaction.atomic
    def grant(self, partner, customer, *, with_dap, by):
        """Give ``partner`` what it asked ``customer`` for: the relationship, or DAP for it (R2, R7).

        What is there already stays. Raises ``ValidationError`` like ``start``.
        """
        require(by, (customer, Permission.ANSWER_REQUESTS))
        if not customer.must_review_partners:
            # What its admin accepts needs no second look (R15).
            customer.settle_partners()
        found = self.active().filter(partner=partner, customer=customer).lock()
        if not found:
            self.start(partner, customer, has_dap=with_dap, by=by)
        elif with_dap:
            found[0].grant_dap(by=by)


class Relationship(models.Model):
    """A partner may act for a customer, with or without delegated admin privileges (DAP)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # No index of its own: PostgreSQL would take it for a search, and read each row.
    partner = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="relationships",
        verbose_name=_("partner"),
        db_index=False,
    )
    customer = models.ForeignKey(
        Customer, models.PROTECT, related_name="relationships", verbose_name=_("customer")
    )
    has_dap = models.BooleanField(_("delegated admin privileges"), default=True)
    dap_removed_at = models.DateTimeField(
        _("delegated admin privileges removed"), null=True, editable=False
    )
    started_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)
    # The customer's own, kept here so that one index of a partner's rows sorts and finds its customers.
    # ``Customer.written_together`` says how.
    name_and_domain = KeyField(max_length=1054, editable=False)
    customer_domain = KeyField(max_length=253, editable=False)
    notice_address = models.TextField(
        blank=True,
        editable=False,
        help_text="The customer's address when the relationship ended: what changed later is not the"
        " partner's to know (T1).",
    )

    objects = RelationshipQuerySet.as_manager()

    class Meta:
        verbose_name = _("reseller relationship")
        verbose_name_plural = _("reseller relationships")
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "customer"],
                condition=models.Q(ended_at=None),
                name="relationships_one_active",
                violation_error_message=_("This partner has a relationship with this customer."),
            ),
            models.CheckConstraint(
                condition=models.Q(has_dap=False) | models.Q(ended_at=None, dap_removed_at=None),
                name="relationships_dap_in_force",
                violation_error_message=_(
                    "Delegated admin privileges need an active relationship."
                ),
            ),
            in_order("started_at", "ended_at", name="relationships_ends_after_start"),
            in_order("started_at", "dap_removed_at", name="relationships_dap_removed_after_start"),
            in_order("dap_removed_at", "ended_at", name="relationships_ends_after_dap_removed"),
        ]
        indexes = [
            models.Index(
                fields=["customer", "partner", "has_dap", "ended_at"],
                name="relationships_of_customer",
                condition=models.Q(ended_at=None),
            ),
            # A partner's list of customers, in each of its orders and by its filter. They hold all that a
            # search looks at and a row shows of the relationship, and ``ended_at`` too, which SQLite would
            # look up in the table: so a search without a hit reads nothing else.
            models.Index(
                fields=[
                    "partner",
                    "name_and_domain",
                    "customer",
                    "has_dap",
                    "started_at",
                    "ended_at",
                ],
                name="relationships_by_name",
                condition=models.Q(ended_at=None),
            ),
            models.Index(
                fields=[
                    "partner",
                    "customer_domain",
                    "customer",
                    "name_and_domain",
                    "has_dap",
                    "started_at",
                    "ended_at",
                ],
                name="relationships_by_domain",
                condition=models.Q(ended_at=None),
            ),
            models.Index(
                fields=[
                    "partner",
                    "started_at",
                    "customer",
                    "name_and_domain",
                    "has_dap",
                    "ended_at",
                ],
                name="relationships_by_start",
                condition=models.Q(ended_at=None),
            ),
            models.Index(
                fields=[
                    "partner",
                    "has_dap",
                    "name_and_domain",
                    "customer",
                    "started_at",
                    "ended_at",
                ],
                name="relationships_by_dap",
                condition=models.Q(ended_at=None),
            ),
        ]

    def __str__(self):
        return f"{self.partner} – {self.customer}"

    def clean(self):
        if self.partner_id and self.customer_id:
            SalesRegion.objects.require_common(self.partner, self.customer)

    @transaction.atomic
    def save(self, *args, **kwargs):
        is_new = self._state.adding
        if is_new:
            keys = Customer.objects.values_list("name_key", "domain").get(pk=self.customer_id)
            self.name_and_domain = Customer.written_together(*keys)
            self.customer_domain = Customer.key_of(keys[1])
            # Of one of the past perhaps only the end is known.
            self.started_at = min(self.started_at, self.ended_at or self.started_at)
        super().save(*args, **kwargs)
        if is_new:
            self.customer.subscriptions.follow_relationship(self)

    @transaction.atomic
    def grant_dap(self, *, by):
        """Give the partner delegated admin privileges (R7). Granting again changes nothing.

        Raises ``NotAllowed`` unless ``by`` may answer for the customer.
        """
        require(by, (self.customer, Permission.ANSWER_REQUESTS))
        if not self._lock(has_dap=False):
            return
        self.has_dap, self.dap_removed_at = True, None
        self.save(update_fields=["has_dap", "dap_removed_at"])
        self.record(Action.DAP_GRANTED, by=by, before={"has_dap": False}, after={"has_dap": True})

    @transaction.atomic
    def remove_dap(self, *, by):
        """Take the delegated admin privileges away (R8); the relationship and subscriptions stay.

        Support contacts that rested on them fall back (C9), in the same transaction. Removing again
        changes nothing. Raises ``NotAllowed`` unless ``by`` may answer for the customer, or give them up
        for the partner.
        """
        require(
            by,
            (self.customer, Permission.ANSWER_REQUESTS),
            (self.partner, Permission.REQUEST_DAP),
        )
        self._remove_dap(by=by)

    def _remove_dap(self, *, by):
        if not self._lock(has_dap=True):
            return
        self.has_dap, self.dap_removed_at = False, now_after(self.started_at)
        self.save(update_fields=["has_dap", "dap_removed_at"])
        between = (self.partner, self.customer)
        self.supported.fall_back(Action.DAP_REMOVED, by=by, between=between)
        self.record(Action.DAP_REMOVED, by=by, before={"has_dap": True}, after={"has_dap": False})

    @transaction.atomic
    def end(self, *, by):
        """Remove the relationship and its DAP (R9); the past stays readable.

        The partner's support contacts at the customer fall back (C9), in the same transaction.
        Raises ``ValidationError`` with code ``active_subscriptions`` while active subscriptions sold
        by the partner are left, and ``NotAllowed`` unless ``by`` may remove relationships of the
        partner. Ending again changes nothing.
        """
        require(by, (self.partner, Permission.REMOVE_RELATIONSHIP))
        self._end(by=by)

    @property
    def supported(self):
        """The subscriptions of the customer for which the partner answers."""
        return self.customer.subscriptions.supported_by(self.partner)

    @property
    def sells(self):
        """Whether active subscriptions are left that the partner sold to the customer (R9)."""
        return self.customer.subscriptions.sold_by(self.partner).active().exists()

    def require_removable(self):
        """Raise ``ValidationError`` with code ``active_subscriptions`` while the partner ``sells`` (R9)."""
        if self.sells:
            raise ValidationError(
                _("Suspend the active subscriptions that %(partner)s sold to %(customer)s first."),
                code="active_subscriptions",
                params={"partner": self.partner, "customer": self.customer},
            )

    def _end(self, *, by):
        # Requests before relationships (ADR 0003). What the partner asked names its customer no more.
        asked = self.customer.requests.naming(self.partner, self.customer)
        asked.lock()
        locked = self._lock()
        if not locked:
            return
        self.require_removable()
        self.has_dap, self.ended_at = False, now_after(self.started_at, locked[0].dap_removed_at)
        self.notice_address = self.customer.address
        self.save(update_fields=["has_dap", "ended_at", "notice_address"])
        asked.name_no_more()
        self.customer.subscriptions.follow_relationship(self)
        between = (self.partner, self.customer)
        self.supported.fall_back(Action.RELATIONSHIP_ENDED, by=by, between=between)
        self.record(Action.RELATIONSHIP_ENDED, by=by, before={"has_dap": locked[0].has_dap})

    def _lock(self, **state):
        locked = Relationship.objects.active().filter(pk=self.pk, **state).lock()
        if locked and locked[0].customer_id != self.customer_id:
            # The record of the customer was joined into another meanwhile (R15).
            self.customer = locked[0].customer
        return locked

    def record(self, action, *, by, **changes):
        """Write what happened to this relationship into the log of both sides."""
        ActivityEntry.objects.record(
            action,
            by=by,
            partners=[self.partner],
            customer=self.customer,
            subject=self.partner,
            **changes,
        )
