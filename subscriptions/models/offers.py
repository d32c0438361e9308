import uuid
from collections.abc import Iterable
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.formats import localize
from django.utils.translation import gettext_lazy as _

from lists.expressions import having_words
from portal.authority import Principal
from portal.models import Action, ActivityEntry, FoldedField
from portal.numbers import MonthsField, QuantityField
from portal.text import told_apart, words_of


class Billing(models.TextChoices):
    LICENSE = "license", _("License-based")
    USAGE = "usage", _("Usage-based")


def offer_label(name: str, is_trial: bool) -> str:
    """Return the name of an offer; that of a trial says so, as the offer itself may have the same."""
    return _("%(offer)s (trial)") % {"offer": name} if is_trial else name


def offer_labels(rows: Iterable[tuple[str, str, str, bool]]) -> list[tuple[str, str]]:
    """Return key and label of offers to choose from, given as key, name, publisher and whether a trial.

    Those of one name carry their publisher.
    """
    return told_apart(
        (key, offer_label(name, is_trial), publisher) for key, name, publisher, is_trial in rows
    )


class OfferQuerySet(models.QuerySet["Offer"]):
    def on_sale(self) -> Self:
        return self.filter(is_active=True)

    def matching(
        self, *, q: str = "", publisher: str = "", billing: str = "", category: str = ""
    ) -> Self:
        """Return those whose name contains every word of ``q``, of a publisher, a kind and a category.

        Case and accents of ``q`` don't count; what is empty leaves nothing out.
        """
        found = having_words(self, words_of(q), "name_key")
        wanted = {"publisher": publisher, "billing": billing, "category": category}
        return found.filter(**{name: value for name, value in wanted.items() if value})

    def with_bases(self) -> Self:
        return self.prefetch_related("base_offers")


class Offer(models.Model):
    """A product that can be sold."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    name_key = FoldedField(source="name")
    publisher = models.CharField(_("publisher"), max_length=200)
    category = models.CharField(
        _("category"),
        max_length=100,
        blank=True,
        help_text=_("The catalogue can be filtered by it."),
    )
    billing = models.CharField(
        _("billing"), max_length=10, choices=Billing, default=Billing.LICENSE
    )
    minimum_quantity = QuantityField(
        _("minimum quantity"), default=1, help_text=_("The fewest licenses of a subscription.")
    )
    maximum_quantity = QuantityField(
        _("maximum quantity"), null=True, blank=True, help_text=_("Empty: no limit.")
    )
    term_months = MonthsField(
        _("term in months"), null=True, blank=True, default=12, help_text=_("Empty: no end.")
    )
    is_one_per_customer = models.BooleanField(
        _("one per customer"),
        default=False,
        help_text=_("A seller can sell it to a customer only once at a time."),
    )
    is_add_on = models.BooleanField(_("add-on"), default=False)
    base_offers = models.ManyToManyField(
        "self",
        symmetrical=False,
        related_name="add_ons",
        verbose_name=_("base offers"),
        blank=True,
        help_text=_(
            "An add-on is sold to customers that have an active subscription to one of these."
        ),
    )
    is_trial = models.BooleanField(_("trial"), default=False)
    is_active = models.BooleanField(
        _("on sale"),
        default=True,
        help_text=_("Off sale, it can't be added any more; its subscriptions stay."),
    )

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        ordering = ["name_key", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["publisher", "name", "is_trial"],
                name="subscriptions_offer_once",
                violation_error_message=_("This publisher has an offer of this name."),
            ),
            models.CheckConstraint(
                condition=models.Q(billing__in=Billing.values),
                name="subscriptions_offer_billing",
                violation_error_message=_("This way of billing does not exist."),
            ),
            models.CheckConstraint(
                condition=models.Q(maximum_quantity=None)
                | models.Q(maximum_quantity__gte=models.F("minimum_quantity")),
                name="subscriptions_offer_quantities",
                violation_error_message=_("The maximum quantity is below the minimum."),
            ),
            models.CheckConstraint(
                condition=models.Q(term_months=None) | models.Q(term_months__gte=1),
                name="subscriptions_offer_term",
                violation_error_message=_("A term has at least one month."),
            ),
        ]
        indexes = [models.Index(fields=["name_key", "id"], name="subscriptions_offer_name_key")]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The name as people read it beside other offers: of a trial, it says so."""
        return offer_label(self.name, self.is_trial)

    @property
    def distinct_name(self) -> str:
        """The label with the publisher, for the operator: offers of two may be called alike."""
        return f"{self.label} ({self.publisher})"

    def record(self, action: Action, *, by: Principal, **changes: Any) -> None:
        """Write what happened to this offer into the log, for operators to read."""
        ActivityEntry.objects.record(action, by=by, partners=[], subject=self, **changes)

    @property
    def is_licensed(self) -> bool:
        """Whether it is sold by the number of licenses."""
        return self.billing == Billing.LICENSE

    @property
    def limits(self) -> str:
        """The limits of the quantity in words."""
        limits = {
            "minimum": localize(self.minimum_quantity),
            "maximum": localize(self.maximum_quantity),
        }
        if self.maximum_quantity is None:
            return _("At least %(minimum)s.") % limits
        return _("From %(minimum)s to %(maximum)s.") % limits

    def refusal_of(self, quantity: int | None) -> ValidationError | None:
        """Return why not this many licenses can be had, a ``ValidationError``, or None."""
        if not self.is_licensed:
            if quantity is None:
                return None
            return ValidationError(
                _("A usage-based offer has no number of licenses."), code="usage"
            )
        if quantity is None:
            return ValidationError(_("Enter how many licenses."), code="required")
        if quantity < self.minimum_quantity:
            return ValidationError(
                _("This offer is sold in quantities from %(minimum)s."),
                code="minimum",
                params={"minimum": localize(self.minimum_quantity)},
            )
        if self.maximum_quantity is not None and quantity > self.maximum_quantity:
            return ValidationError(
                _("This offer is sold in quantities up to %(maximum)s."),
                code="maximum",
                params={"maximum": localize(self.maximum_quantity)},
            )
        return None

    def refusal_to(self, *, active: set[uuid.UUID], held: set[uuid.UUID]) -> ValidationError | None:
        """Return why it can't be sold to a customer now, a ``ValidationError``, or None.

        ``active`` and ``held`` are the keys of the offers that the customer has from the seller: those of
        active subscriptions, and those of all that it uses or could use again.
        """
        if not self.is_active:
            return ValidationError(_("This offer is no longer on sale."), code="off_sale")
        if self.is_one_per_customer and self.pk in held:
            return ValidationError(
                _("The customer has this offer already. It is sold once to each."),
                code="one_per_customer",
            )
        return self.lack_of_base(active)

    def lack_of_base(self, active: set[uuid.UUID]) -> ValidationError | None:
        """Return why an add-on can't be used beside the ``active`` offers, a ``ValidationError``, or None."""
        if not self.is_add_on:
            return None
        bases = self.base_offers.all()
        if active.intersection(base.pk for base in bases):
            return None
        return ValidationError(
            _("This add-on needs an active subscription to one of: %(offers)s."),
            code="needs_base",
            params={"offers": ", ".join(base.label for base in bases) or "–"},
        )
