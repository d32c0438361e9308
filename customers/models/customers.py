import uuid

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from portal.address_fields import DomainField, EmailField
from portal.addresses import normal_domain, shown_domain, unicode_domain
from portal.authority import Refusal, require, require_standing
from portal.clocks import now_after
from portal.models import Action, ActivityEntry, Editable, FoldedField, Partner
from portal.permissions import Permission
from portal.phone_fields import PhoneField
from portal.text import fold

from .customer_breaches import CustomerBreaches
from .one_firm import OneFirm
from .proved_domains import ProvedDomain, ProvedHow
from .shared_domains import is_shared


class CustomerQuerySet(CustomerBreaches):
    def visible_to(self, membership):
        """Return the customers that exist for ``membership`` (T1).

        For a partner those with an active relationship, for a customer itself.
        """
        if membership is None:
            return self.none()
        if membership.customer_id:
            return self.filter(pk=membership.customer_id)
        return self.filter(
            relationships__partner=membership.partner_id, relationships__ended_at=None
        )

    def living(self):
        """Return those that were not joined into another: of one firm, the record that counts (R15)."""
        return self.filter(joined_into=None)

    def with_proved_domain(self):
        return self.filter(domain_proved_at__isnull=False)

    def of_address(self, address):
        """Return the customer that has proved the domain of an email address, or None (R14)."""
        return self.with_proved_domain().filter(domain=address.rpartition("@")[2]).first()

    def made_for(self, customer):
        """Return the records that partners made for the proved domain of ``customer`` (R15, T1).

        Those with the same domain that nobody has come to as an admin; none while the domain is not proved.
        """
        if not customer.is_domain_proved:
            return self.none()
        found = self.living().filter(domain=customer.domain).exclude(pk=customer.pk)
        return found.exclude(memberships__user__has_joined=True)

    def require_new(self, domain, *, to):
        """Raise ``ValidationError`` at ``domain`` where the partner ``to`` can't add a firm with it (R15).

        With code ``own`` where that is a customer of its own, and with ``proved`` where another customer
        has proved the domain. A domain that nobody proved blocks nobody, and several firms may share one.
        """
        try:
            domain = normal_domain(domain)
        except ValidationError:
            return  # said where the row is validated
        own = self.filter(
            domain=domain, relationships__partner=to, relationships__ended_at=None
        ).first()
        if own and not is_shared(domain):
            error = ValidationError(
                _("You have a customer with this domain: %(customer)s."),
                code="own",
                params={"customer": own},
            )
        elif self.with_proved_domain().filter(domain=domain).exists():
            error = ValidationError(
                _(
                    "A customer with this domain is in the portal. Ask it for a relationship instead."
                ),
                code="proved",
            )
        else:
            return
        raise ValidationError({"domain": error})

    def require_unproved(self, domain):
        """Raise ``ValidationError`` at ``domain`` (``proved``) where a customer has proved it (R15).

        For a firm that registers itself: it would pass for the one whose domain that is.
        """
        if self.with_proved_domain().filter(domain=domain).exists():
            error = ValidationError(
                _(
                    "This domain is that of a company in the portal. Ask one of its admins to invite you."
                ),
                code="proved",
            )
            raise ValidationError({"domain": error})


class Customer(Editable, ProvedDomain, OneFirm, models.Model):
    """A firm that uses the products, looked after by one or more partners.

    A firm may stand in several records, as each partner that adds it gets one of its own while its
    domain is not proved (R15).
    """

    # What its partners edit. Domain and country decide who it is and who may sell to it (R11): these
    # are for operators.
    DETAILS = (
        "name",
        "street",
        "postal_code",
        "city",
        "contact_name",
        "contact_email",
        "contact_phone",
    )
    edited_fields = (*DETAILS, "domain", "country")
    changed_action = Action.CUSTOMER_CHANGED

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=200)
    name_key = FoldedField(source="name")
    domain = DomainField(_("primary domain"), max_length=253)
    domain_proved_at = models.DateTimeField(_("domain proved"), null=True, editable=False)
    domain_proved_how = models.CharField(
        _("how it was proved"), max_length=10, choices=ProvedHow, blank=True, editable=False
    )
    country = CountryField(_("country"))
    street = models.CharField(_("street"), max_length=200, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    contact_name = models.CharField(_("contact person"), max_length=200, blank=True)
    contact_email = EmailField(_("contact email"), blank=True)
    contact_phone = PhoneField(_("contact phone"), blank=True)
    agreement_accepted_at = models.DateTimeField(
        _("customer agreement accepted"), null=True, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    partners_reviewed_at = models.DateTimeField(
        _("partners reviewed"),
        null=True,
        editable=False,
        help_text=_(
            "When its admin said which of the partners who were there before it may stay. Empty: that is"
            " the first thing that it is asked."
        ),
    )
    joined_into = models.ForeignKey(
        "self",
        models.PROTECT,
        related_name="joined_records",
        verbose_name=_("joined into"),
        null=True,
        editable=False,
    )
    joined_at = models.DateTimeField(_("joined"), null=True, editable=False)

    # Between name and domain where they are written together.
    BETWEEN = "\t"

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        ordering = ["name_key", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(domain=Lower("domain")),
                name="customers_domain_lower",
                violation_error_message=_("Domains are stored in lower case."),
            ),
            models.UniqueConstraint(
                fields=["domain"],
                condition=models.Q(domain_proved_at__isnull=False),
                name="customers_domain_proved_once",
                violation_error_message=_("Another customer has proved this domain."),
            ),
            models.CheckConstraint(
                condition=models.Q(domain_proved_at=None, domain_proved_how="")
                | models.Q(domain_proved_at__isnull=False, domain_proved_how__in=ProvedHow.values),
                name="customers_domain_proved_how",
                violation_error_message=_("A proved domain has how and when it was proved."),
            ),
            models.CheckConstraint(
                condition=models.Q(joined_into=None, joined_at=None)
                | models.Q(
                    joined_into__isnull=False, joined_at__isnull=False, domain_proved_at=None
                ),
                name="customers_joined_since",
                violation_error_message=_("A record that was joined has no proved domain."),
            ),
        ]
        indexes = [
            models.Index(fields=["domain"], name="customers_domain"),
            models.Index(fields=["name_key", "id"], name="customers_name_key"),
            # For the name of a customer that another table names, without reading its row.
            models.Index(fields=["id", "name_key"], name="customers_name_of"),
        ]

    def __str__(self):
        return self.name

    @property
    def distinct_name(self):
        """The name with the domain, for the operator: firms are called alike."""
        return f"{self.name} ({shown_domain(self.domain)})"

    @transaction.atomic
    def save(self, *args, **kwargs):
        """Save; what the customer's relationships and subscriptions keep of its name and domain follows."""
        is_new = self._state.adding
        super().save(*args, **kwargs)
        written = kwargs.get("update_fields")
        if not is_new and (written is None or {"name", "domain"}.intersection(written)):
            self.relationships.follow(self)
            self.subscriptions.follow(self)

    @staticmethod
    def key_of(domain):
        """Return a domain as a key by which lists sort and search: folded, with its own letters."""
        if "xn--" not in domain:
            return domain
        return fold(unicode_domain(domain)).encode()[:253].decode(errors="ignore")

    @staticmethod
    def written_together(name_key, domain):
        """Return the folded name and the domain of a customer as one text, by which lists sort and search.

        It sorts by name, as every letter stands behind a tab, and has the words of both, none of which
        has a tab in it.
        """
        return f"{name_key}{Customer.BETWEEN}{Customer.key_of(domain)}"

    @property
    def shown_domain(self):
        """The domain as people read it."""
        return shown_domain(self.domain)

    @property
    def address(self):
        """The lines of a letter to the customer."""
        city = f"{self.postal_code} {self.city}".strip()
        return "\n".join(filter(None, [self.name, self.contact_name, self.street, city]))

    def lock(self):
        """Lock this row until the transaction ends, and return it as it is stored.

        Raises ``ValidationError`` with code ``joined`` where the record was joined into another (R15):
        nothing is added to it any more.
        """
        locked = Customer.objects.select_for_update(no_key=True).get(pk=self.pk)
        if locked.joined_into_id:
            raise ValidationError(
                _("The record of %(customer)s was joined with another one. Open that one."),
                code="joined",
                params={"customer": locked},
            )
        return locked

    @transaction.atomic
    def accept_agreement(self, *, by, agrees):
        """Accept the customer agreement, if that was not done before (R6).

        Raises ``ValidationError`` with code ``agreement`` where it is still to be done and the admin
        ``by`` does not agree, and ``NotAllowed`` unless ``by`` may answer for the customer.
        """
        require(by, (self, Permission.ANSWER_REQUESTS), last_resort=False)
        locked = self.lock()
        if locked.agreement_accepted_at:
            return
        if not agrees:
            raise ValidationError(_("Accept the customer agreement."), code="agreement")
        self.agreement_accepted_at = now_after(self.created_at)
        self.save(update_fields=["agreement_accepted_at"])
        self.record(Action.AGREEMENT_ACCEPTED, by=by)

    @transaction.atomic
    def change(self, fields, *, by, seen=None):
        """Save ``fields`` as they are set on this object, and log what they were before.

        ``fields`` are some of ``DETAILS``, for an operator of ``edited_fields``; ``seen`` is the ``version``
        that ``by`` saw; left out, the last word counts. Returns the names of those that changed; where
        none did, nothing is written.

        Raises ``NotAllowed`` unless ``by`` is staff of a partner with an active relationship, in a role that
        may, or an operator; and ``StaleRow`` if someone else changed the customer since it was seen.
        Another domain is not proved (R15).
        """
        grants = [(Partner, Permission.EDIT_CUSTOMERS)] if set(fields) <= set(self.DETAILS) else []
        acting = require(by, *grants)
        if "domain" in fields:
            self.requests.to_domain(Customer.objects.get(pk=self.pk).domain).lock()
        stored = self.lock()
        told = None
        if acting is not None:
            # All at once, in the order of their keys: each of them follows a new name, and to lock one's own
            # first would be another order than everyone else's.
            own = [one for one in self.relationships.active().lock() if one.partner_id == acting.pk]
            require_standing(own, Refusal.ELSEWHERE)
            # The entry names who acted, and partners need not know of each other (T1).
            told = [acting]
        if "domain" in fields and self.domain != stored.domain and stored.is_domain_proved:
            self.domain_proved_at, self.domain_proved_how = None, ""
            stored._drop_proof(by=by)
        return self.write_changes(fields, stored, by=by, seen=seen, partners=told)

    def record(self, action, *, by, partners=None, **changes):
        """Write what happened to this customer into the log, for it and ``partners`` to read.

        Left out, these are all its partners.
        """
        if partners is None:
            active = self.relationships.active().select_related("partner")
            partners = [one.partner for one in active]
        ActivityEntry.objects.record(
            action, by=by, partners=partners, customer=self, subject=self, **changes
        )
