from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self, cast

from django.db import connection, models, transaction
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from lists.set_statements import insert_selected
from portal.authority import Principal
from portal.client_address import current_address

from .actions import FIELD_LABELS, Action, Change, action_choices, described
from .activity_readers import ActivityReader
from .actors import Actor

if TYPE_CHECKING:
    from .memberships import Membership
    from .partners import Partner
    from .users import User

# Entries and facts meet by their subject. A window brings them together rather than a join: right after
# the entries were written the database knows too little of them to plan one, and takes minutes.
_READERS_OF_SELECTED = """
    WITH fact (subject_id, customer_id, {names}) AS ({facts}),
    mixed (subject_id, customer_id, partner_id, entry_id, at, action) AS (
        {partners}
        UNION ALL
        SELECT subject_id, NULL, NULL, id, NULL, NULL FROM {entries} WHERE id > %s AND action = %s
    ),
    met (customer_id, partner_id, entry_id, at, action) AS (
        SELECT customer_id, partner_id, MAX(entry_id) OVER (PARTITION BY subject_id), at, action
        FROM mixed
    )
    INSERT INTO {readers} (customer_id, partner_id, activityentry_id, at, action)
    SELECT DISTINCT customer_id, partner_id, entry_id, at, action FROM met
    WHERE entry_id IS NOT NULL AND partner_id IS NOT NULL
"""


class ActivityEntryQuerySet(models.QuerySet["ActivityEntry"]):
    def visible_to(self, membership: "Membership | None") -> Self:
        """Return the entries that concern the organisation of ``membership`` (T1)."""
        if membership is None:
            return self.none()
        if membership.customer:
            return self.filter(customer__in=membership.customer.record_keys)
        return self.filter(readers__partner=membership.partner_id)

    def with_people(self) -> Self:
        """Load whom a row names: the customer, and who acted."""
        return self.select_related("customer", "actor")

    def record(
        self,
        action: Action,
        *,
        by: Principal,
        partners: "Iterable[Partner | None]",
        subject: models.Model,
        customer: Any = None,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> "ActivityEntry":
        """Write one entry, in the transaction of the change it tells of.

        ``partners`` are the partners whom it concerns and who may read it; ``by`` is the principal who
        acted: for the portal itself the entry names nobody. ``before`` and ``after`` hold what changed, by
        field. Raises ``NotAllowed`` where nobody acted.
        """
        return self.record_many(
            [
                {
                    "action": action,
                    "by": by,
                    "partners": partners,
                    "subject": subject,
                    "customer": customer,
                    "before": before,
                    "after": after,
                    "reason": reason,
                }
            ]
        )[0]

    @transaction.atomic
    def record_many(self, facts: Sequence[Mapping[str, Any]]) -> "list[ActivityEntry]":
        """Write an entry for each of ``facts``, dictionaries of the arguments of ``record``."""
        people = {id(fact["by"]): fact["by"] for fact in facts}
        actors = {key: Actor.objects.of(by) for key, by in people.items()}
        entries = ActivityEntry.objects.bulk_create(
            ActivityEntry(
                action=fact["action"],
                actor=actors[id(fact["by"])],
                customer=fact.get("customer"),
                subject=str(fact["subject"])[:200],
                subject_id=fact["subject"].pk,
                before=fact.get("before") or {},
                after=fact.get("after") or {},
                reason=fact.get("reason", ""),
                address=current_address(),
            )
            for fact in facts
        )
        ActivityReader.objects.bulk_create(
            ActivityReader.of(entry, partner_id)
            for entry, fact in zip(entries, facts, strict=True)
            for partner_id in {partner.pk for partner in fact["partners"] if partner}
        )
        return entries

    @transaction.atomic
    def record_selected(
        self,
        source: models.QuerySet,
        action: Action,
        *,
        by: Principal,
        at: datetime,
        partners: Sequence[Any],
        customer: Any,
        subject_id: Any,
        **columns: Any,
    ) -> None:
        """Write an entry for each row of the queryset ``source``, without loading the rows.

        ``subject_id``, ``customer``, ``partners`` (a list) and ``columns`` are expressions over it. The
        subjects differ from each other and are locked, so nobody else writes of them meanwhile.
        """
        actor = Actor.objects.of(by)
        last = self.order_by("-pk").values_list("pk", flat=True).first() or 0
        address = cast(models.Field, self.model._meta.get_field("address"))
        added = insert_selected(
            ActivityEntry,
            source,
            at=models.Value(at, models.DateTimeField()),
            actor=models.Value(actor and actor.pk, models.BigIntegerField()),
            action=models.Value(action.value),
            address=Cast(models.Value(current_address()), address),
            customer=customer,
            subject_id=subject_id,
            **columns,
            reason=models.Value(""),
        )
        if not added:
            return
        same = {
            "at": models.Value(at, models.DateTimeField()),
            "action": models.Value(action.value),
        }
        facts, params = (
            source.order_by()
            .values_list(subject_id, customer, *partners, *same.values())
            .query.sql_with_params()
        )
        names = [f"partner_{number}" for number in range(len(partners))]
        of_one = "SELECT subject_id, customer_id, {}, CAST(NULL AS bigint), at, action FROM fact"
        statement = _READERS_OF_SELECTED.format(
            names=", ".join([*names, *same]),
            facts=facts,
            partners=" UNION ALL ".join(map(of_one.format, names)),
            entries=ActivityEntry._meta.db_table,
            readers=ActivityReader._meta.db_table,
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, [*params, last, action.value])


class ActivityEntry(models.Model):
    """Who changed what, when, for which customer, from what to what, and from where.

    Written once; triggers of the database refuse to change or delete it, see ``portal.append_only``.
    """

    at = models.DateTimeField(_("at"), default=timezone.now, editable=False)
    actor = models.ForeignKey(
        Actor,
        models.PROTECT,
        related_name="activity",
        verbose_name=_("changed by"),
        null=True,
        editable=False,
    )
    action = models.CharField(_("action"), max_length=40, choices=action_choices, editable=False)
    customer = models.ForeignKey(
        "customers.Customer",
        models.PROTECT,
        related_name="activity",
        verbose_name=_("customer"),
        null=True,
        editable=False,
    )
    partners = models.ManyToManyField(
        "portal.Partner",
        through="portal.ActivityReader",
        related_name="activity",
        verbose_name=_("partners concerned"),
    )
    subject = models.CharField(_("what was changed"), max_length=200, editable=False)
    subject_id = models.UUIDField(editable=False)
    before = models.JSONField(_("before"), default=dict, editable=False)
    after = models.JSONField(_("after"), default=dict, editable=False)
    reason = models.CharField(_("reason"), max_length=200, blank=True, editable=False)
    address = models.GenericIPAddressField(
        _("IP address"),
        null=True,
        editable=False,
        unpack_ipv4=True,
        help_text=_("From where it was done; empty where the portal itself acted."),
    )

    objects = ActivityEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("activity log entry")
        verbose_name_plural = _("activity log")
        ordering = ["-id"]
        indexes = [models.Index(fields=["customer", "at", "id"], name="portal_activity_customer")]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {self.subject}"

    def get_action_display(self) -> str:  # type: ignore[no-redef]
        """The action in words; Django's own looks through all actions for each row."""
        return str(Action(self.action).label) if self.action in Action else self.action

    @property
    def person(self) -> "User | None":
        """The user who acted, whatever it is called now; None for the portal itself."""
        return self.actor.user if self.actor else None

    @cached_property
    def changes(self) -> list[Change]:
        """What changed from what to what, in the reader's language."""
        fields = [*self.before, *(name for name in self.after if name not in self.before)]
        return [
            Change(
                str(FIELD_LABELS.get(name, name)),
                described(name, self.before.get(name, "")),
                described(name, self.after.get(name, "")),
            )
            for name in fields
        ]

    @property
    def reason_display(self) -> str | Promise:
        """The reason in words, where it is an action of its own (C9)."""
        return Action(self.reason).label if self.reason in Action else self.reason
