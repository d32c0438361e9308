import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from portal.authority import Principal, require
from portal.permissions import Permission

from .locking import LockingQuerySet
from .regions import SalesRegion

if TYPE_CHECKING:
    from .relationships import Relationship


class Decided(NamedTuple):
    """What became of relationships that an admin kept or ended."""

    kept: "list[Relationship]"
    ended: "list[Relationship]"
    without_dap: "list[Relationship]"


class ChangeOfHands(LockingQuerySet["Relationship"]):
    """The part of the relationships of a customer that is about who takes its record over (R15)."""

    def lock_of(self, customers: Iterable[Customer]) -> "list[Relationship]":
        """Lock every relationship of ``customers``, the ended ones too, as both change hands."""
        return self.model.objects.filter(customer__in=customers).lock()

    def refusals_to_move(self, customer: Customer) -> list[ValidationError]:
        """Return why these can't be ones with ``customer``, a list of ``ValidationError`` (R1, R11)."""
        refusals = []
        there = set(customer.relationships.active().values_list("partner", flat=True))
        for one in self.active().select_related("partner").order_by("partner__name_key"):
            if one.partner_id in there:
                refusals.append(
                    ValidationError(
                        _(
                            "%(partner)s has an active relationship with both records. Remove one of them"
                            " first."
                        ),
                        code="R1",
                        params={"partner": one.partner},
                    )
                )
            try:
                SalesRegion.objects.require_common(one.partner, customer)
            except ValidationError as error:
                refusals.append(error)
        return refusals

    @transaction.atomic
    def decide(
        self, decisions: Mapping[uuid.UUID, bool], *, to: Customer, by: Principal
    ) -> Decided:
        """Keep or end each of these that is active, as the customer ``to`` wants who takes them over (R15).

        ``decisions`` says for the key of each whether it is kept. One whose partner has sold active
        subscriptions can't end yet (R9) and loses its DAP. Returns ``Decided``. Raises ``NotAllowed`` unless
        ``by`` may answer for ``to``, and ``ValidationError`` with code ``incomplete`` where ``decisions`` are
        not about exactly these.
        """
        require(by, (to, Permission.ANSWER_REQUESTS), last_resort=False)
        standing = self.active().select_related("partner", "customer").lock()
        if {one.pk for one in standing} != set(decisions):
            raise ValidationError(
                _("The partners have changed since you saw this page. Decide on each of them."),
                code="incomplete",
            )
        decided = Decided([], [], [])
        for one in standing:
            if decisions[one.pk]:
                decided.kept.append(one)
            elif one.sells:
                one._remove_dap(by=by)
                decided.without_dap.append(one)
            else:
                one._end(by=by)
                decided.ended.append(one)
        return decided
