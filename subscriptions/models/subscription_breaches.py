"""What breaks the rules of subscriptions, over the whole database in a query each.

The doors keep the rules. These look for what came past them: an import by SQL, a backup, a repair by
hand. ``manage.py verify_rules`` prints what they find.
"""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from portal.models import PartnerType
from relationships.models import Partnership, Relationship

from .history_breaches import differs
from .support_contacts import SupportContactAssignment

if TYPE_CHECKING:
    from .subscriptions import Subscription  # noqa: F401 - the rows that are read


class SubscriptionBreaches(models.QuerySet["Subscription"]):
    """Subscriptions in a state that the rules exclude."""

    def without_contact_though_sold(self) -> Self:
        """C2: sold here, so someone must answer for it."""
        return self.filter(support_contact=None, seller__isnull=False)

    def with_contact_without_right(self) -> Self:
        """C2, C4, C9: another contact than the seller, whose right is not, or no longer, there.

        Each with what there is and what there was: ``chooser`` is the partner whose staff may choose,
        the seller or who designated it (C4).
        """
        in_force = SupportContactAssignment.objects.filter(
            subscription=OuterRef("pk"), ended_at=None
        )
        relationships = Relationship.objects.filter(
            partner=OuterRef("support_contact"), customer=OuterRef("customer")
        )
        partnerships = Partnership.objects.filter(
            provider=OuterRef("chooser"), reseller=OuterRef("support_contact")
        )
        found = self.filter(support_contact__isnull=False).filter(
            Q(seller=None) | ~Q(support_contact=F("seller"))
        )
        return (
            found.annotate(
                chooser=Coalesce(
                    "seller",
                    Subquery(in_force.values("designated_for")[:1]),
                    output_field=models.UUIDField(),
                ),
                is_own=models.Case(
                    models.When(support_contact=F("chooser"), then=True), default=False
                ),
                has_partnership=Exists(partnerships.filter(ended_at=None)),
                had_partnership=Exists(partnerships),
                has_relationship=Exists(relationships.filter(ended_at=None)),
                had_relationship=Exists(relationships),
                has_dap=Exists(relationships.filter(ended_at=None, has_dap=True)),
                lost_dap=Exists(relationships.filter(ended_at=None, dap_removed_at__isnull=False)),
            )
            .exclude(
                Q(is_own=True) | Q(has_partnership=True),
                Q(is_own=True) | Q(support_contact__type=PartnerType.INDIRECT_RESELLER),
                support_contact__deactivated_at=None,
                has_dap=True,
            )
            .select_related("support_contact", "seller")
        )

    def with_history_of_another_contact(self) -> Self:
        """C10: the open end of the history is missing, or names another contact than is in force."""
        in_force = SupportContactAssignment.objects.filter(
            subscription=OuterRef("pk"), ended_at=None
        )
        return self.annotate(
            has_open_end=Exists(in_force),
            partner_in_history=Subquery(in_force.values("partner")[:1]),
        ).filter(Q(has_open_end=False) | differs("support_contact", "partner_in_history"))

    def with_foreign_reseller_of_record(self) -> Self:
        """S4: a reseller of record that never had a partnership with the seller.

        One whose partnership has ended since stays on record for what was sold while it lasted.
        """
        partnerships = Partnership.objects.filter(
            provider=OuterRef("seller"), reseller=OuterRef("reseller_of_record")
        )
        return self.filter(~Exists(partnerships), reseller_of_record__isnull=False)

    def shown_otherwise(self) -> Self:
        """T1: in the lists of a seller that does not look after the customer, or missing from its lists."""
        relationships = Relationship.objects.active().filter(
            partner=OuterRef("seller"), customer=OuterRef("customer")
        )
        return self.alias(is_looked_after=Exists(relationships)).filter(
            Q(is_looked_after=True, visible_seller=None)
            | Q(is_looked_after=False, visible_seller__isnull=False)
        )
