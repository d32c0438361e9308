import uuid
from collections.abc import Iterable
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from lists.set_statements import lock_text, share_texts
from portal.address_fields import EmailField
from portal.authority import Principal, require
from portal.clocks import now_after
from portal.permissions import Permission
from portal.phone_fields import PhoneField
from portal.text import told_apart
from portal.web_addresses import WebAddressField

from .actions import Action, describe
from .activity import ActivityEntry
from .fields import FoldedField


class PartnerType(models.TextChoices):
    INDIRECT_PROVIDER = "provider", _("Indirect provider")
    INDIRECT_RESELLER = "reseller", _("Indirect reseller")
    DIRECT_BILL = "direct", _("Direct-bill partner")


mpn_id_validator = RegexValidator(r"\A[0-9]{4,10}\Z", _("An MPN ID has 4 to 10 digits."))


def validate_languages(codes: Any) -> None:
    """Raise ``ValidationError`` unless ``codes`` is a list of language codes that Django can name."""
    try:
        for code in codes:
            get_language_info(code)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValidationError(
            _("Enter language codes, such as de or en."), code="language"
        ) from error


def partner_labels(rows: Iterable[tuple[Any, str, str]]) -> list[tuple[Any, str]]:
    """Return key and label of partners to choose from, given as key, name and MPN ID.

    Those of one name carry their MPN ID.
    """
    label = str(_("MPN ID"))
    return told_apart((key, name, f"{label} {number}") for key, name, number in rows)


class PartnerQuerySet(models.QuerySet["Partner"]):
    def active(self) -> Self:
        return self.filter(deactivated_at=None)


class Partner(models.Model):
    """A firm in the channel: it buys from the vendor, resells, or looks after customers.

    Its support details are what a customer reads where this partner is the designated support
    contact, so email and phone are always there.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    name_key = FoldedField(source="name")
    type = models.CharField(_("type"), max_length=20, choices=PartnerType)
    mpn_id = models.CharField(
        _("MPN ID"),
        max_length=10,
        unique=True,
        validators=[mpn_id_validator],
        help_text=_("The partner's number in the vendor's partner network: 4 to 10 digits."),
        error_messages={"unique": _("Another partner has this MPN ID.")},
    )
    country = CountryField(_("country"))
    support_email = EmailField(_("support email"))
    support_phone = PhoneField(_("support phone"))
    support_website = WebAddressField(_("support website"), blank=True)
    support_hours = models.CharField(_("support hours"), max_length=200, blank=True)
    support_languages = models.JSONField(
        _("support languages"), default=list, blank=True, validators=[validate_languages]
    )
    requires_second_factor = models.BooleanField(
        _("everyone needs a second factor"),
        default=False,
        help_text=_(
            "Who has none sets one up before anything else. It is asked for at each sign-in."
        ),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    deactivated_at = models.DateTimeField(_("deactivated"), null=True, blank=True, editable=False)

    objects = PartnerQuerySet.as_manager()

    class Meta:
        verbose_name = _("partner")
        verbose_name_plural = _("partners")
        ordering = ["name_key", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(type__in=PartnerType.values),
                name="portal_partner_type",
                violation_error_message=_("This type of partner does not exist."),
            ),
            models.CheckConstraint(
                condition=~models.Q(support_email="") & ~models.Q(support_phone=""),
                name="portal_partner_support_details",
                violation_error_message=_("A partner needs a support email and a support phone."),
            ),
        ]
        indexes = [models.Index(fields=["name_key", "id"], name="portal_partner_name_key")]

    def __str__(self) -> str:
        return self.name

    @property
    def distinct_name(self) -> str:
        """The name with the number that no other partner has, for the operator."""
        label = _("MPN ID")
        return f"{self.name} ({label} {self.mpn_id})"

    @property
    def is_active(self) -> bool:
        return self.deactivated_at is None

    @property
    def is_provider(self) -> bool:
        return self.type == PartnerType.INDIRECT_PROVIDER

    @property
    def is_reseller(self) -> bool:
        return self.type == PartnerType.INDIRECT_RESELLER

    @property
    def may_sell(self) -> bool:
        """Whether subscriptions are sold by this type of partner: resellers sell through a provider."""
        return not self.is_reseller

    @property
    def support_language_names(self) -> list[str]:
        """The names of the support languages in the reader's language."""
        return [get_language_info(code)["name_translated"] for code in self.support_languages]

    @transaction.atomic
    def change(self, fields: Iterable[str], *, by: Principal) -> list[str]:
        """Save ``fields`` as they are set on this object, and log what they were before.

        Returns the names of those that changed; where none did, nothing is written. Raises ``NotAllowed``
        unless ``by`` may edit the company.
        """
        require(by, (self, Permission.EDIT_COMPANY))
        stored = Partner.objects.select_for_update(no_key=True).get(pk=self.pk)
        changed = [name for name in fields if getattr(self, name) != getattr(stored, name)]
        if changed:
            self.save(update_fields=changed)
            self.record(
                Action.PARTNER_CHANGED,
                by=by,
                before=describe(stored, changed),
                after=describe(self, changed),
            )
        return changed

    @staticmethod
    def keep_active(keys: Iterable[uuid.UUID]) -> None:
        """Let none of these partners, by key, be deactivated until the transaction ends (ADR 0003).

        For what rests on it that they are active. Nobody else waits: not who does the same, nor who saves
        the details of one of them.
        """
        share_texts(f"active partner {key}" for key in keys)

    @transaction.atomic
    def deactivate(self, *, by: Principal) -> None:
        """Close the partner down: its people are signed out (T3), its support contacts fall back (C9).

        Deactivating again changes nothing. Relationships and partnerships stay readable. Raises
        ``NotAllowed`` unless ``by`` is an operator.
        """
        require(by)
        lock_text(f"active partner {self.pk}")
        locked = Partner.objects.select_for_update(no_key=True).get(pk=self.pk)
        if locked.is_active:
            self.deactivated_at = now_after(self.created_at)
            self.save(update_fields=["deactivated_at"])
            self.memberships.end_sessions(at=self.deactivated_at)
            self.supported_subscriptions.fall_back(
                Action.PARTNER_DEACTIVATED, by=by, between=(self,)
            )
            self.record(Action.PARTNER_DEACTIVATED, by=by)

    @transaction.atomic
    def reactivate(self, *, by: Principal) -> None:
        """Let the partner's people sign in again. Support contacts that fell back stay where they are.

        Raises ``NotAllowed`` unless ``by`` is an operator.
        """
        require(by)
        locked = Partner.objects.select_for_update(no_key=True).get(pk=self.pk)
        if not locked.is_active:
            self.deactivated_at = None
            self.save(update_fields=["deactivated_at"])
            self.record(Action.PARTNER_REACTIVATED, by=by)

    def record(self, action: Action, *, by: Principal, **changes: Any) -> None:
        """Write what happened to this partner into the activity log."""
        ActivityEntry.objects.record(action, by=by, partners=[self], subject=self, **changes)
