import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _


class Billing(models.TextChoices):
    LICENSE = "license", _("License-based")
    USAGE = "usage", _("Usage-based")


class Offer(models.Model):
    """A product that can be sold."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    publisher = models.CharField(_("publisher"), max_length=200)
    billing = models.CharField(
        _("billing"), max_length=10, choices=Billing, default=Billing.LICENSE
    )
    is_add_on = models.BooleanField(_("add-on"), default=False)
    is_trial = models.BooleanField(_("trial"), default=False)

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        ordering = ["name", "id"]
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
        ]

    def __str__(self):
        return self.name
