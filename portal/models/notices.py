"""Who must know of an act is told once: by mail, and on its pages (C11)."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal import mail
from portal.authority import Principal, person_of

from .actions import Action, action_choices
from .memberships import Membership
from .partners import Partner
from .users import MailChoice, User, language_of

# How many subscriptions and contacts a notice names; where there are more, it says how many.
MOST_NAMED = 50
# How many notices one digest has.
MOST_IN_DIGEST = 200
CHUNK = 500


class Mailbox(NamedTuple):
    """The support mailbox of a partner, which no single person reads."""

    email: str
    mail_language: str


class NoticeQuerySet(models.QuerySet["Notice"]):
    def visible_to(self, membership: Membership | None) -> Self:
        """Return the notices to the organisation of ``membership`` (T1)."""
        if membership is None:
            return self.none()
        if membership.customer_id:
            return self.filter(customer=membership.customer_id)
        return self.filter(partner=membership.partner_id)

    def for_user(self, user: User) -> Self:
        """Return the notices to the user's organisation, but for what the user itself did."""
        own = self.visible_to(getattr(user, "membership", None))
        return own.filter(models.Q(caused_by=None) | ~models.Q(caused_by=user))

    def undismissed_by(self, user: User) -> Self:
        """Return the notices that the user has not dismissed yet, the newest first."""
        dismissed = self.model.dismissed_by.through.objects.filter(
            notice=models.OuterRef("pk"), user=user
        )
        found = self.for_user(user).filter(~models.Exists(dismissed), pk__gt=user.notices_dismissed)
        return found.order_by("-pk")

    @transaction.atomic
    def tell(self, notices: "Sequence[Notice]", *, by: Principal) -> None:
        """Keep ``notices``, one for each party of an act, and mail them (C11).

        To the admins of the party, each as picked in the profile, but not to whoever caused it; and where
        the party answers for something from now on, or no longer does, to its support mailbox. All in the
        transaction of the act.
        """
        person_of(by)
        for start in range(0, len(notices), CHUNK):
            told = Notice.objects.bulk_create(notices[start : start + CHUNK])
            addressed: list[tuple[User | Mailbox, dict[str, Any]]] = []
            later = []
            for notice, user in self._admins_of(told):
                if user.answering_mail == MailChoice.AT_ONCE:
                    country = user.membership.organisation.country
                    addressed.append((user, {"notice": notice, "country": country}))
                elif user.answering_mail == MailChoice.DAILY:
                    later.append((notice, user))
            reached = {(one["notice"].pk, user.email) for user, one in addressed}
            partners = Partner.objects.in_bulk({one.partner_id for one in told if one.partner_id})
            for notice in told:
                partner = partners.get(notice.partner_id)
                if (
                    partner is not None
                    and (notice.gained or notice.lost)
                    and (notice.pk, partner.support_email) not in reached
                ):
                    mailbox = Mailbox(partner.support_email, language_of(partner.country))
                    told_there = {"notice": notice, "country": partner.country, "is_mailbox": True}
                    addressed.append((mailbox, told_there))
            mail.send_each("told", addressed)
            waiting = self.model.waits_for.through
            waiting.objects.bulk_create(waiting(notice=one, user=user) for one, user in later)

    @staticmethod
    def _admins_of(notices: "Sequence[Notice]") -> "Iterator[tuple[Notice, User]]":
        by_party = {(one.partner_id, one.customer_id): one for one in notices}
        members = Membership.objects.filter(
            models.Q(partner__in=[partner for partner, _customer in by_party if partner])
            | models.Q(customer__in=[customer for _partner, customer in by_party if customer])
        )
        for user in members.admins().with_organisation().order_by("email"):
            notice = by_party[user.membership.partner_id, user.membership.customer_id]
            if user.pk != notice.caused_by_id:
                yield notice, user

    @transaction.atomic
    def send_digest(self, user: User) -> int:
        """Mail ``user`` in one what waits for it, and let nothing wait. Returns how many mails that made."""
        waiting = self.model.waits_for.through.objects.filter(user=user)
        keys = list(waiting.order_by("-notice").values_list("notice", flat=True))
        waiting.filter(notice__in=keys).delete()
        if not keys or not user.is_active or user.answering_mail == MailChoice.NONE:
            return 0
        found = self.visible_to(getattr(user, "membership", None)).filter(pk__in=keys)
        notices = list(found.order_by("-pk")[:MOST_IN_DIGEST])
        if not notices:
            return 0
        mail.send("told_daily", [user], notices=notices, count=len(keys))
        return 1


class Notice(models.Model):
    """What one act changed for one partner or customer, to be read by its people (C11).

    Like the log it says what was: names, numbers and telephones are those of the moment, so nobody learns
    from it what became of them later (T1). Each person dismisses it for itself.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    at = models.DateTimeField(gettext_lazy("at"), default=timezone.now, editable=False)
    partner = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="notices",
        verbose_name=gettext_lazy("partner"),
        null=True,
        editable=False,
        db_index=False,
    )
    customer = models.ForeignKey(
        "customers.Customer",
        models.PROTECT,
        related_name="notices",
        verbose_name=gettext_lazy("customer"),
        null=True,
        editable=False,
        db_index=False,
    )
    action = models.CharField(
        gettext_lazy("action"), max_length=40, choices=action_choices, editable=False
    )
    firm = models.CharField(max_length=200, blank=True, editable=False)
    other_firm = models.CharField(max_length=200, blank=True, editable=False)
    gained = models.PositiveIntegerField(
        gettext_lazy("answers from now on for"),
        default=0,
        editable=False,
        help_text=gettext_lazy(
            "How many subscriptions; for a customer, how many of its subscriptions have another contact."
        ),
    )
    lost = models.PositiveIntegerField(
        gettext_lazy("no longer answers for"), default=0, editable=False
    )
    customers = models.PositiveIntegerField(default=0, editable=False)
    lines = models.JSONField(default=list, editable=False)
    contacts = models.JSONField(default=list, editable=False)
    caused_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", null=True, editable=False, db_index=False
    )
    dismissed_by = models.ManyToManyField(User, related_name="+", editable=False)
    waits_for = models.ManyToManyField(User, related_name="waiting_notices", editable=False)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("notice")
        verbose_name_plural = gettext_lazy("notices")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(partner=None, customer__isnull=False)
                | models.Q(partner__isnull=False, customer=None),
                name="portal_notice_of_one_party",
            ),
        ]
        indexes = [
            models.Index(
                fields=["partner", "id"],
                name="portal_notice_partner",
                condition=models.Q(partner__isnull=False),
            ),
            models.Index(
                fields=["customer", "id"],
                name="portal_notice_customer",
                condition=models.Q(customer__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.headline

    def get_absolute_url(self) -> str:
        return reverse("notice", args=[self.uuid])

    @property
    def count(self) -> int:
        """How many subscriptions it is about."""
        return self.gained + self.lost

    @property
    def more(self) -> int:
        """How many of them ``lines`` does not name."""
        return max(self.count - len(self.lines), 0)

    @property
    def headline(self) -> str:
        """What happened and what that means for the reader, in the reader's language."""
        return ": ".join(filter(None, [self._happened, self._meaning]))

    @property
    def _happened(self) -> str:
        names = {"firm": self.firm, "other": self.other_firm}
        if self.action == Action.SUPPORT_CONTACT_DESIGNATED:
            return _("Support contact changed")
        if not self.firm:
            return str(Action(self.action).label)
        if self.action == Action.PARTNERSHIP_ENDED:
            return _("Partnership with %(firm)s ended") % names
        if self.action == Action.RELATIONSHIP_ENDED:
            if self.other_firm:
                return _("Relationship of %(firm)s with %(other)s removed") % names
            return _("Relationship with %(firm)s removed") % names
        if self.action == Action.DAP_REMOVED:
            if self.other_firm:
                return _("Delegated admin privileges of %(firm)s for %(other)s removed") % names
            if self.customer_id:
                return _("Delegated admin privileges of %(firm)s removed") % names
            return _("Delegated admin privileges for %(firm)s removed") % names
        return f"{Action(self.action).label} ({self.firm})"

    @property
    def _meaning(self) -> str:
        if self.customer_id:
            return self._meaning_for_customer if self.gained else ""
        told = []
        if self.gained:
            told.append(_("%(what)s now with you") % {"what": self._what(self.gained)})
        if self.lost:
            told.append(_("%(what)s no longer with you") % {"what": self._what(self.lost)})
        return "; ".join(told)

    @property
    def _meaning_for_customer(self) -> str:
        if self.gained > 1:
            sentence = ngettext(
                "%(count)s product has another support contact",
                "%(count)s products have another support contact",
                self.gained,
            )
            return sentence % {"count": localize(self.gained)}
        [line] = self.lines
        if line["after"]:
            return _("%(partner)s now answers for %(product)s") % {
                "partner": line["after"],
                "product": line["name"],
            }
        return _("No partner is designated for %(product)s now") % {"product": line["name"]}

    def _what(self, count: int) -> str:
        """The subscriptions, by name or by number, and whose they are."""
        first = self.lines[0]
        if self.count == 1:
            what = first["name"]
        else:
            what = ngettext("%(count)s subscription", "%(count)s subscriptions", count)
            what %= {"count": localize(count)}
        if self.customers == 1:
            whose = first["customer"]
        elif count == self.count:
            whose = ngettext("%(count)s customer", "%(count)s customers", self.customers)
            whose %= {"count": localize(self.customers)}
        else:
            return what
        return _("%(what)s of %(whose)s") % {"what": what, "whose": whose}
