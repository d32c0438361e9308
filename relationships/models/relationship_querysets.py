from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Left, StrIndex
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from lists.expressions import Word, having_words
from lists.set_statements import lock_selected
from portal.authority import Principal, require
from portal.models import Action, Membership, Partner, describe
from portal.permissions import Permission

from .changes_of_hands import ChangeOfHands
from .partnerships import Partnership
from .regions import SalesRegion

if TYPE_CHECKING:
    from .relationships import Relationship


class RelationshipQuerySet(ChangeOfHands):
    def visible_to(self, membership: Membership | None) -> Self:
        """Return the relationships that ``membership`` takes part in, from either side (T1)."""
        if membership is None:
            return self.none()
        if membership.customer_id:
            return self.filter(customer=membership.customer_id)
        return self.filter(partner=membership.partner_id)

    def with_dap(self) -> Self:
        return self.active().filter(has_dap=True)

    def doubled(self) -> Self:
        """R1: active relationships beside an older one of the same partner and customer."""
        older = self.model.objects.active().filter(
            partner=models.OuterRef("partner"), customer=models.OuterRef("customer")
        )
        older = older.filter(
            models.Q(started_at__lt=models.OuterRef("started_at"))
            | models.Q(started_at=models.OuterRef("started_at"), pk__lt=models.OuterRef("pk"))
        )
        return self.active().filter(models.Exists(older)).order_by("pk")

    def with_supported_count(self) -> Self:
        """Add ``supported_count``: for how many subscriptions of the customer the partner answers."""
        return self.annotate(
            supported_count=models.Count(
                "customer__subscriptions",
                filter=models.Q(customer__subscriptions__support_contact=models.F("partner")),
            )
        )

    def with_weight(self) -> Self:
        """Add ``supported_count``, and ``sold_count``: how many active ones the partner sold (R9)."""
        sold = models.Q(
            customer__subscriptions__seller=models.F("partner"),
            customer__subscriptions__suspended_at=None,
        )
        return self.with_supported_count().annotate(
            sold_count=models.Count("customer__subscriptions", filter=sold)
        )

    def follow(self, customer: Customer) -> None:
        """Copy the name and domain of ``customer`` to these rows, by which lists sort and search."""
        together = customer.written_together(customer.name_key, customer.domain)
        lock_selected(self)
        self.update(name_and_domain=together, customer_domain=customer.key_of(customer.domain))

    def named(self, words: Sequence[Word]) -> Self:
        """Return those with a customer whose name, not domain, has every one of ``words``, folded."""
        end = StrIndex("name_and_domain", models.Value(Customer.SEPARATOR)) - 1
        # The name is cut out of the few that have the words at all.
        found = having_words(self, words, "name_and_domain")
        return having_words(found.alias(name=Left("name_and_domain", end)), words, "name")

    @transaction.atomic
    def start(
        self, partner: Partner, customer: Customer, *, has_dap: bool, by: Principal
    ) -> "Relationship":
        """Let ``partner`` act for ``customer``, as the customer's admin wants (R2), and log it.

        Raises ``ValidationError`` if it does already (R1), if the two are not in the same sales region
        (R11), and ``NotAllowed`` unless ``by`` may answer for the customer.
        """
        require(by, (customer, Permission.ANSWER_REQUESTS))
        # One at a time for each customer: of two that start the same relationship one is refused.
        customer.lock()
        return self._begin(partner, customer, has_dap=has_dap, by=by)

    def _begin(
        self, partner: Partner, customer: Customer, *, has_dap: bool, by: Principal
    ) -> "Relationship":
        relationship = self.model(partner=partner, customer=customer, has_dap=has_dap)
        relationship.full_clean()
        relationship.save()
        relationship.record(Action.RELATIONSHIP_STARTED, by=by, after={"has_dap": has_dap})
        return relationship

    @transaction.atomic
    def add_customer(
        self, customer: Customer, *, by: Principal, reseller: Partner | None = None
    ) -> Customer:
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
    def grant(self, partner: Partner, customer: Customer, *, with_dap: bool, by: Principal) -> None:
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
