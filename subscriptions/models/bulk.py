import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import Enum
from typing import Any, NamedTuple, Self, cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Coalesce, JSONObject
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext_lazy as _

from lists.set_statements import insert_selected, lock_selected, look_up_by_key
from portal.authority import Principal, Refusal, require, require_standing
from portal.clocks import in_order, now_after
from portal.models import Action, ActivityEntry, Actor, Membership, Partner, User
from portal.permissions import Permission
from relationships.models import Partnership, Relationship

from .bulk_files import BulkFile
from .bulk_limits import most_rows, require_another, require_few, require_room_for
from .bulk_rows import OPEN_OUTCOMES, BulkAssignmentRow, BulkAssignmentRowQuerySet, BulkOutcome
from .candidates import partner_and_resellers
from .querysets import SubscriptionQuerySet
from .subscriptions import Subscription
from .support_contacts import SupportContactAssignment
from .telling import telling

CHUNK = 5_000


class Phase(Enum):
    """What a bulk assignment does one after the other while it is submitted."""

    CHECKING = _("The rows are checked once more …")
    ASSIGNING = _("%(done)s of %(total)s subscriptions")
    TELLING = _("Notices and mails: %(done)s of %(total)s partners and customers")
    STORING = _("Everything is being stored …")

    def sentence(self, done: int, total: int) -> str:
        return self.value % {"done": localize(done), "total": localize(total)}


class Progress(NamedTuple):
    """How far a bulk assignment is: in which phase, and how much of that is done, of how much."""

    phase: Phase
    done: int = 0
    total: int = 0


class BulkAssignmentQuerySet(models.QuerySet["BulkAssignment"]):
    def visible_to(self, membership: Membership | None) -> Self:
        """Return the bulk assignments that the user of ``membership`` made for its partner (T1).

        A preview is one person's draft; what came of it, colleagues read in the activity log.
        """
        if membership is None or not membership.partner_id:
            return self.none()
        return self.filter(partner=membership.partner_id, created_by=membership.user_id)

    def pending(self) -> Self:
        """Return the previews that were never submitted."""
        return self.filter(submitted_at=None)

    def over(self) -> Self:
        """Return what is kept no longer: previews that nobody submitted, and results, by the settings."""
        now = timezone.now()
        return self.filter(
            models.Q(submitted_at=None, created_at__lt=now - settings.BULK_PREVIEW_PERIOD)
            | models.Q(submitted_at__lt=now - settings.BULK_RESULT_PERIOD)
        )

    def forget(self) -> bool:
        """Delete one that is ``over`` with its rows, unless someone is at it; return whether there was any.

        What it changed stays in the history (C10) and the log. Called in a transaction.
        """
        found = self.over().select_for_update(skip_locked=True).order_by("created_at").first()
        if found is None:
            return False
        found.delete()
        return True

    @transaction.atomic
    def start(self, *parts: SubscriptionQuerySet, by: Principal) -> "BulkAssignment":
        """Keep the subscriptions of ``parts``, as far as ``by`` sees them, for a contact still to be chosen.

        ``parts`` are querysets that have no row in common.

        Raises ``NotAllowed`` unless the roles of ``by`` include it, ``ValidationError`` with code
        ``empty`` for no subscription, with ``too_many`` for more than ``MOST_ROWS``, and with ``too_often``
        where ``by`` has made too many previews, or with too many rows, within a day.
        """
        bulk = self._create(by)
        person = bulk.created_by
        chosen = [part.visible_to(person.membership)[: most_rows() + 1] for part in parts]
        # Before the first is written: what is refused costs no more than counting.
        count = sum(part.count() for part in chosen)
        require_few(count)
        if not count:
            raise ValidationError(_("Choose at least one subscription."), code="empty")
        require_room_for(count, person)
        added = sum(
            insert_selected(
                BulkAssignmentRow,
                part,
                bulk=models.Value(bulk.pk, models.UUIDField()),
                subscription=models.F("pk"),
                outcome=models.Value(BulkOutcome.WAITING.value),
                given=models.Value(""),
            )
            for part in chosen
        )
        require_few(added)  # some may have come meanwhile
        return bulk

    @transaction.atomic
    def start_from_lines(
        self, lines: Iterable[tuple[int, str, str]], *, by: Principal, file_name: str = ""
    ) -> "BulkAssignment":
        """Keep what a file wants: ``lines`` gives the number of each, subscription ID and MPN ID.

        Each line names its contact, or none to leave its subscription as it is; what can't be understood
        stands in its row as refused. Raises ``ValidationError`` like ``start``.
        """
        lines = list(lines)
        bulk = self._create(by, file_name=file_name[:200])
        require_few(len(lines))
        if not lines:
            raise ValidationError(_("The file has no lines."), code="empty")
        person = bulk.created_by
        require_room_for(len(lines), person)
        file = BulkFile(bulk, Subscription.objects.visible_to(person.membership))
        for start in range(0, len(lines), CHUNK):
            file.add_rows(lines[start : start + CHUNK])
        bulk.rows.filter(outcome=BulkOutcome.WAITING).look()
        bulk.rows.judge(bulk.partner, by=by)
        return bulk

    def _create(self, by: Principal, **fields: Any) -> "BulkAssignment":
        partner = require(by, (Partner, Permission.ASSIGN_SUPPORT_CONTACT), last_resort=False)
        # Nobody but a person acts for a partner.
        person = cast(User, by.person)
        require_another(person)
        return self.create(partner=partner, created_by=person, **fields)


class BulkAssignment(models.Model):
    """Many subscriptions get a support contact at once: chosen, previewed row by row, submitted once.

    The rows stay between the requests and afterwards, as the result, for some days. ``submit`` keeps
    for each of them what ``Subscription.designate`` keeps for one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    partner = models.ForeignKey(
        Partner, models.PROTECT, related_name="+", verbose_name=_("for the partner")
    )
    created_by = models.ForeignKey(
        User, models.PROTECT, related_name="bulk_assignments", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    contact = models.ForeignKey(
        Partner,
        models.PROTECT,
        related_name="+",
        verbose_name=_("new support contact"),
        null=True,
        help_text=_("For all rows; empty where a file names one for each."),
    )
    file_name = models.CharField(_("file"), max_length=200, blank=True)
    submitted_at = models.DateTimeField(_("submitted"), null=True)

    objects = BulkAssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("bulk assignment")
        verbose_name_plural = _("bulk assignments")
        ordering = ["-created_at", "id"]
        constraints = [
            in_order("created_at", "submitted_at", name="subscriptions_bulk_submitted_after")
        ]
        indexes = [
            models.Index(fields=["created_by", "created_at"], name="subscriptions_bulk_creator")
        ]

    def __str__(self) -> str:
        return self.file_name or str(self.contact or "")

    @property
    def is_submitted(self) -> bool:
        return self.submitted_at is not None

    @property
    def counts(self) -> dict[BulkOutcome, int]:
        """How many rows there are of each outcome, in the order of the outcomes."""
        found = dict(self.rows.order_by().values_list("outcome").annotate(count=models.Count("pk")))
        return {outcome: found[outcome] for outcome in BulkOutcome if outcome in found}

    @transaction.atomic
    def choose(self, contact: Partner, *, by: Principal) -> None:
        """Take ``contact`` for all rows and say of each what would become of it: the preview.

        Raises ``NotAllowed`` unless ``by`` made the preview and still may, ``ValidationError`` with code
        ``not_eligible`` for a partner that ``by`` does not work with, with ``submitted`` when it is too
        late, and with ``gone`` where the preview is kept no longer.
        """
        acting = self._lock(by)
        if self.is_submitted:
            raise ValidationError(_("This was submitted already."), code="submitted")
        if not partner_and_resellers(acting.pk).filter(pk=contact.pk).exists():
            raise ValidationError(
                _("%(partner)s can't be a support contact for you."),
                code="not_eligible",
                params={"partner": contact},
            )
        self.contact = contact
        self.save(update_fields=["contact"])
        self.rows.look(contact=contact)
        self.rows.judge(acting, by=by)

    def submit(self, *, by: Principal) -> None:
        """Do what the preview says, in one transaction; see ``submitting``."""
        for _done in self.submitting(by=by):
            pass

    @transaction.atomic
    def _lock(self, by: Principal) -> Partner:
        grant = (self.partner, Permission.ASSIGN_SUPPORT_CONTACT)
        acting = require(by, grant, last_resort=False, foreign=Refusal.MAKER)
        is_maker = by.person is not None and by.person.pk == self.created_by_id
        require_standing(is_maker, Refusal.MAKER)
        locked = type(self).objects.select_for_update(no_key=True).filter(pk=self.pk).first()
        if locked is None:
            raise ValidationError(
                _("This preview is kept no longer. Choose the subscriptions anew."), code="gone"
            )
        self.submitted_at = locked.submitted_at
        return acting

    def submitting(self, *, by: Principal) -> Iterator[Progress]:
        """Do what the preview says, as ``by`` wants, and yield the ``Progress`` before each part of it.

        One transaction around all: whoever stops asking for more has done nothing. A row that lost
        its right since the preview, or that someone else changed, is refused (C2–C4, C8) and the others
        are done; each has its row in the history (C10) and its log entry. Submitting again does nothing.

        Raises ``NotAllowed`` unless ``by`` made the preview and still may, and ``ValidationError`` with code
        ``gone`` where it is kept no longer.
        """
        with transaction.atomic():
            acting = self._lock(by)
            if self.is_submitted:
                return
            yield Progress(Phase.CHECKING)
            look_up_by_key()
            rows = self.rows.filter(outcome__in=OPEN_OUTCOMES)
            self._lock_for(acting, rows)
            self.rows.judge(acting, by=by)
            rows = self.rows.to_change()
            newest = rows.aggregate(at=models.Max("seen__started_at"))["at"]
            now = now_after(self.created_at, newest)
            keys = list(rows.order_by("pk").values_list("pk", flat=True))
            for start in range(0, len(keys), CHUNK):
                yield Progress(Phase.ASSIGNING, start, len(keys))
                chunk = keys[start : start + CHUNK]
                self._designate(rows.filter(pk__range=(chunk[0], chunk[-1])), acting, now, by=by)
            yield Progress(Phase.ASSIGNING, len(keys), len(keys))
            action = Action.SUPPORT_CONTACT_DESIGNATED
            for done, total in telling(rows.changes(), action, by=by, at=now):
                yield Progress(Phase.TELLING, done, total)
            yield Progress(Phase.STORING)
            self.submitted_at = now
            self.save(update_fields=["submitted_at"])

    @staticmethod
    def _lock_for(acting: Partner, rows: BulkAssignmentRowQuerySet) -> None:
        # The order of ADR 0003; of the relationships those that a contact rests on.
        contacts = rows.order_by().values("contact")
        subscriptions = rows.subscriptions()
        Partner.keep_active(
            contacts.exclude(contact=None).distinct().values_list("contact", flat=True)
        )
        lock_selected(Partnership.objects.active().filter(provider=acting, reseller__in=contacts))
        elsewhere = subscriptions.filter(seller=None).values("customer")
        lock_selected(
            Relationship.objects.active().filter(
                models.Q(partner__in=contacts, customer__in=subscriptions.values("customer"))
                | models.Q(partner=acting, customer__in=elsewhere)
            )
        )
        lock_selected(subscriptions)

    def _designate(
        self, rows: BulkAssignmentRowQuerySet, acting: Partner, now: datetime, *, by: Principal
    ) -> None:
        reason = Action.SUPPORT_CONTACT_DESIGNATED
        at = models.Value(now, models.DateTimeField())
        rows = rows.order_by("pk")
        in_force = SupportContactAssignment.objects.filter(pk__in=rows.order_by().values("seen"))
        in_force.update(ended_at=now)
        actor = Actor.objects.of(by)
        insert_selected(
            SupportContactAssignment,
            rows,
            subscription=models.F("subscription"),
            partner=models.F("contact"),
            started_at=at,
            changed_by=models.Value(actor and actor.pk, models.BigIntegerField()),
            designated_for=models.Value(acting.pk, models.UUIDField()),
            reason=models.Value(reason.value),
        )
        ActivityEntry.objects.record_selected(
            rows,
            reason,
            by=by,
            at=now,
            customer=models.F("subscription__customer"),
            subject=models.F("subscription__friendly_name"),
            subject_id=models.F("subscription"),
            partners=[
                models.Value(acting.pk, models.UUIDField()),
                models.F("subscription__reseller_of_record"),
                models.F("before"),
                models.F("contact"),
            ],
            before=JSONObject(support_contact=Coalesce("before__name", models.Value(""))),
            after=JSONObject(support_contact=models.F("contact__name")),
        )
        of_row = rows.filter(subscription=models.OuterRef("pk")).order_by().values("contact")
        rows.subscriptions().update(
            support_contact=self.contact or models.Subquery(of_row), contact_changed_at=now
        )
