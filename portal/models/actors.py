"""Who acted, as they were called then, and as the organisations that may know of it name them."""

from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.addresses import shown_email
from portal.authority import Principal, person_of

if TYPE_CHECKING:
    from .memberships import Membership
    from .users import User


class Named(NamedTuple):
    """Who acted, as one reader may know it; the email and the note may be empty."""

    name: str
    email: str = ""
    note: str = ""

    def __str__(self) -> str:
        beside = ", ".join(filter(None, (self.email, self.note)))
        return f"{self.name} ({beside})" if beside else self.name


class ActorQuerySet(models.QuerySet["Actor"]):
    def of(self, by: Principal) -> "Actor | None":
        """Return the row that says who ``by``, a principal, is now, or None for the portal itself.

        It comes with the user. Only where it says something else than holds now is there a query, and
        where nobody has acted like this yet, a new row. Raises ``NotAllowed`` where nobody acted.
        """
        person = person_of(by)
        if person is None:
            return None
        now = self.model.described(person)
        row = person.actor
        return row if row and row.says(now) else self._newest(person, now)

    @transaction.atomic
    def _newest(self, person: "User", now: dict[str, Any]) -> "Actor":
        mine = self.filter(user=person).order_by("-number")
        while (row := mine.first()) is None or not row.says(now):
            following = self.model(user_id=person.pk, number=row.number + 1 if row else 1, **now)
            # Where somebody else adds this number at the same time, theirs is looked at next.
            self.bulk_create([following], ignore_conflicts=True)
        self._keep(person, row)
        return row

    def _keep(self, person: "User", row: "Actor") -> None:
        # Not on ``person``: its row may be taken back with the transaction. And a user whom somebody else has
        # locked is left alone: nobody waits for that, and the next act looks again.
        users = type(person).objects
        free = users.select_for_update(skip_locked=True, no_key=True).filter(pk=person.pk)
        users.filter(pk__in=free.values("pk")).update(actor=row)


class Actor(models.Model):
    """Who acted: a person with the name, email and organisation that it had then.

    There is one row for each person and each change of these. Rows are written once, see
    ``portal.append_only``; what the activity log and the history say of who acted stays as it was. One
    change alone is let through: that the person of a row not yet erased is erased from it (ADR 0012).
    Rows that an update made of the users of then are marked ``as_of_update``: what they say need not have
    held when the person acted.
    """

    user = models.ForeignKey(
        "portal.User",
        models.PROTECT,
        related_name="actors",
        verbose_name=gettext_lazy("user"),
        db_index=False,
        editable=False,
    )
    number = models.PositiveIntegerField(editable=False)
    name = models.CharField(gettext_lazy("name"), max_length=200, blank=True, editable=False)
    email = models.EmailField(gettext_lazy("email"), blank=True, editable=False)
    partner = models.ForeignKey(
        "portal.Partner",
        models.PROTECT,
        related_name="+",
        verbose_name=gettext_lazy("partner"),
        null=True,
        db_index=False,
        editable=False,
    )
    customer = models.ForeignKey(
        "customers.Customer",
        models.PROTECT,
        related_name="+",
        verbose_name=gettext_lazy("customer"),
        null=True,
        db_index=False,
        editable=False,
    )
    organisation = models.CharField(
        gettext_lazy("organisation"), max_length=200, blank=True, editable=False
    )
    is_operator = models.BooleanField(gettext_lazy("operator"), default=False, editable=False)
    at = models.DateTimeField(gettext_lazy("since"), default=timezone.now, editable=False)
    as_of_update = models.BooleanField(
        gettext_lazy("name as of the update"), default=False, editable=False
    )
    erased_at = models.DateTimeField(gettext_lazy("erased"), null=True, editable=False)

    objects = ActorQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("person who acted")
        verbose_name_plural = gettext_lazy("people who acted")
        ordering = ["-id"]
        constraints = [
            # Also how the rows of a user are found.
            models.UniqueConstraint(fields=["user", "number"], name="portal_actor_number"),
            models.CheckConstraint(
                condition=models.Q(erased_at=None) | models.Q(name="", email=""),
                name="portal_actor_erased",
            ),
        ]

    def __str__(self) -> str:
        return str(Named(self.shown_name, self._email_beside, self._note))

    @staticmethod
    def described(user: "User") -> dict[str, Any]:
        """What a row says of ``user`` now, by field."""
        membership = getattr(user, "membership", None)
        return {
            "name": user.name,
            "email": user.email,
            "partner_id": membership and membership.partner_id,
            "customer_id": membership and membership.customer_id,
            "organisation": str(membership.organisation) if membership else "",
            "is_operator": user.is_staff,
        }

    def says(self, described: dict[str, Any]) -> bool:
        """Whether this row can stand for one who acts now, and is ``described`` like this."""
        if self.as_of_update or self.erased_at:
            return False
        return all(getattr(self, name) == value for name, value in described.items())

    @property
    def shown_name(self) -> str:
        """The name, else the email; of a person who was erased a pseudonym, the same on each of its rows."""
        if self.erased_at:
            return _("erased person %(key)s") % {"key": str(self.user_id)[:8]}
        return self.name or shown_email(self.email)

    @property
    def _email_beside(self) -> str:
        return shown_email(self.email) if self.name else ""

    @property
    def _note(self) -> str:
        return _("name as of the update") if self.as_of_update else ""

    def is_of(self, membership: "Membership") -> bool:
        """Whether ``membership`` is of the same organisation.

        Of one firm are also the people of a record that was joined into that of its customer (R15).
        """
        own = (self.partner_id, self.customer_id)
        if any(own) and own == (membership.partner_id, membership.customer_id):
            return True
        firm = membership.customer if self.customer_id else None
        return firm is not None and self.customer_id in firm.record_keys

    def seen_by(self, membership: "Membership | None") -> Named:
        """What ``membership`` may know of who acted (T1): colleagues the person, others the organisation."""
        if membership and self.is_of(membership):
            return Named(self.shown_name, self._email_beside, self._note)
        return Named(self.organisation or _("The operator of the portal"), note=self._note)
