from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from customers.domain_records import require_record
from portal.authority import require
from portal.clocks import now_after
from portal.models import Action
from portal.permissions import Permission

from .shared_domains import is_shared


class ProvedHow(models.TextChoices):
    """How the domain of a customer was proved to be its own."""

    OPERATOR = "operator", _("Confirmed by an operator")
    DNS = "dns", _("Record found in the DNS")


class ProvedDomain:
    """The part of a ``Customer`` that is about its primary domain: whether it is proved to be its own.

    A domain that nobody proved blocks nobody and tells nothing (R15).
    """

    @property
    def is_domain_proved(self):
        return self.domain_proved_at is not None

    def require_provable(self):
        """Raise ``ValidationError``, saying why, where nobody, or somebody else, can prove the domain.

        The code is ``shared`` or ``taken``.
        """
        if is_shared(self.domain):
            raise ValidationError(
                _("Many firms share the domain %(domain)s, so none can prove it."),
                code="shared",
                params={"domain": self.domain},
            )
        proved = type(self).objects.with_proved_domain().filter(domain=self.domain)
        if proved.exclude(pk=self.pk).exists():
            raise ValidationError(
                _("Another customer of the portal has proved the domain %(domain)s."),
                code="taken",
                params={"domain": self.domain},
            )

    @transaction.atomic
    def confirm_domain(self, *, by):
        """Take the domain for proved, as an operator knows whose it is (R15). Again changes nothing.

        Raises ``NotAllowed`` unless ``by`` is an operator, and ``ValidationError`` like
        ``require_provable``.
        """
        require(by)
        self._prove(ProvedHow.OPERATOR, by=by)

    def prove_domain(self, *, by):
        """Prove the domain by the record in the DNS that ``domain_records`` names (R15).

        Raises ``NotAllowed`` unless ``by`` is admin of the customer, and ``ValidationError`` like
        ``require_provable``, and like ``require_record`` where it was not found. Again changes nothing.
        """
        require(by, (self, Permission.ANSWER_REQUESTS))
        if self.is_domain_proved:
            return
        self.require_provable()
        # Outside the transaction: a name server may take its time.
        require_record(self)
        self._prove(ProvedHow.DNS, by=by)

    @transaction.atomic
    def _prove(self, how, *, by):
        asked = self.requests.to_domain(self.domain)
        asked.lock()
        locked = self.lock()
        if locked.is_domain_proved:
            return
        if locked.domain != self.domain:
            raise ValidationError(
                _("The domain was changed in the meantime. Look again."), code="stale"
            )
        self.require_provable()
        self.domain_proved_at, self.domain_proved_how = now_after(self.created_at), how
        try:
            with transaction.atomic():
                self.save(update_fields=["domain_proved_at", "domain_proved_how"])
        except IntegrityError:
            # Another customer proved it just now.
            self.domain_proved_at, self.domain_proved_how = None, ""
            self.require_provable()
            raise
        asked.bind_anew()
        self.record(
            Action.DOMAIN_PROVED,
            by=by,
            after={"domain": self.domain, "domain_proved_how": how.value},
        )

    @transaction.atomic
    def free_domain(self, *, by):
        """Take the proof of the domain back, so that it binds nobody to this customer any more (R15).

        Raises ``NotAllowed`` unless ``by`` is an operator. Again changes nothing.
        """
        require(by)
        self.requests.to_domain(self.domain).lock()
        locked = self.lock()
        self.domain_proved_at, self.domain_proved_how = None, ""
        if locked.is_domain_proved:
            locked._drop_proof(by=by)

    def _drop_proof(self, *, by):
        before = {"domain": self.domain, "domain_proved_how": self.domain_proved_how}
        self.domain_proved_at, self.domain_proved_how = None, ""
        self.save(update_fields=["domain_proved_at", "domain_proved_how"])
        self.requests.to_domain(self.domain).bind_anew()
        self.record(Action.DOMAIN_FREED, by=by, before=before)
