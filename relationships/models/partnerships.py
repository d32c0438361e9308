import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.authority import Principal, require
from portal.clocks import in_order, now_after
from portal.models import Action, ActivityEntry, Membership, Partner
from portal.permissions import Permission

from .locking import LockingQuerySet
from .regions import SalesRegion

if TYPE_CHECKING:
    from .request_querysets import RelationshipRequestQuerySet


class PartnershipQuerySet(LockingQuerySet["Partnership"]):
    def visible_to(self, membership: Membership | None) -> Self:
        """Return the partnerships of the partner of ``membership``, from either side (T1)."""
        if membership is None or not membership.partner_id:
            return self.none()
        return self.filter(
            models.Q(provider=membership.partner_id) | models.Q(reseller=membership.partner_id)
        )

    def between(self, provider: Partner, reseller: Partner) -> Self:
        return self.active().filter(provider=provider, reseller=reseller)

    def lock_between(
        self, provider: Partner | None, resellers: Iterable[Partner | None]
    ) -> "list[Partnership]":
        """Lock the active partnerships of ``provider`` with ``resellers``, all in one go; None is skipped."""
        wanted = [reseller for reseller in resellers if reseller is not None]
        return self.active().filter(provider=provider, reseller__in=wanted).lock() if wanted else []

    def find_reseller(self, provider: Partner, mpn_id: str) -> Partner | None:
        """Return the active reseller that works with ``provider`` and has this MPN ID, or None."""
        found = self.active().filter(
            provider=provider, reseller__mpn_id=mpn_id, reseller__deactivated_at=None
        )
        partnership = found.select_related("reseller").first()
        return partnership.reseller if partnership else None

    @transaction.atomic
    def start(self, provider: Partner, reseller: Partner, *, by: Principal) -> "Partnership":
        """Let the two work together and log it.

        Raises ``ValidationError`` if they do already, if one is of the wrong type, and if they are
        not in the same sales region (R11). Raises ``NotAllowed`` unless ``by`` may authorize it for the
        reseller (R10).
        """
        require(by, (reseller, Permission.AUTHORIZE_PARTNERSHIP))
        Partner.objects.select_for_update(no_key=True).get(pk=reseller.pk)
        partnership = self.model(provider=provider, reseller=reseller)
        partnership.full_clean()
        partnership.save()
        partnership.record(Action.PARTNERSHIP_STARTED, by=by)
        return partnership


class Partnership(models.Model):
    """An indirect provider and an indirect reseller have agreed to work together."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="partnerships_as_provider",
        verbose_name=_("indirect provider"),
    )
    reseller = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="partnerships_as_reseller",
        verbose_name=_("indirect reseller"),
    )
    started_at = models.DateTimeField(_("since"), default=timezone.now, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    objects = PartnershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("partnership")
        verbose_name_plural = _("partnerships")
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "reseller"],
                condition=models.Q(ended_at=None),
                name="relationships_one_active_partnership",
                violation_error_message=_("These two partners work together already."),
            ),
            in_order("started_at", "ended_at", name="relationships_partnership_ends_after"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} – {self.reseller}"

    def clean(self) -> None:
        if self.provider_id and not self.provider.is_provider:
            raise ValidationError(
                {
                    "provider": ValidationError(
                        _("%(partner)s is not an indirect provider."),
                        code="type",
                        params={"partner": self.provider},
                    )
                }
            )
        if self.reseller_id and not self.reseller.is_reseller:
            raise ValidationError(
                {
                    "reseller": ValidationError(
                        _("%(partner)s is not an indirect reseller."),
                        code="type",
                        params={"partner": self.reseller},
                    )
                }
            )
        if self.provider_id and self.reseller_id:
            SalesRegion.objects.require_common(self.provider, self.reseller)

    @property
    def supported(self) -> Any:
        """The subscriptions for which the reseller answers by this partnership."""
        return self.reseller.supported_subscriptions.on_behalf_of(self.provider)

    @property
    def joint_requests(self) -> "RelationshipRequestQuerySet":
        """The open requests of the reseller that ask for the provider, too (R12)."""
        return self.reseller.requests.open().filter(provider=self.provider)

    @transaction.atomic
    def end(self, *, by: Principal) -> None:
        """End the partnership (R10). Customers, relationships and DAP stay as they are.

        Support contacts that rested on it fall back (C9), and joint requests of the two that nobody has
        answered yet are withdrawn (R12), in the same transaction. Ending again changes nothing. Raises
        ``NotAllowed`` unless ``by`` may do this for one of the two.
        """
        permission = Permission.AUTHORIZE_PARTNERSHIP
        require(by, (self.provider, permission), (self.reseller, permission))
        # Requests before partnerships (ADR 0003).
        asked = self.joint_requests.lock()
        if not Partnership.objects.active().filter(pk=self.pk).lock():
            return
        for request in asked:
            request._withdraw_with_partnership(by=by)
        self.ended_at = now_after(self.started_at)
        self.save(update_fields=["ended_at"])
        between = (self.provider, self.reseller)
        self.supported.fall_back(Action.PARTNERSHIP_ENDED, by=by, between=between)
        self.record(Action.PARTNERSHIP_ENDED, by=by)

    def record(self, action: Action, *, by: Principal) -> None:
        """Write what happened to this partnership into the log of both sides."""
        ActivityEntry.objects.record(
            action, by=by, partners=[self.provider, self.reseller], subject=self
        )
