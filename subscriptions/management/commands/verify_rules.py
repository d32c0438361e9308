from collections import Counter
from contextlib import nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from customers.models import Customer
from portal.append_only import broken_triggers
from portal.models import PartnerType, User
from portal.zones import iso_day
from relationships.models import Relationship, RelationshipRequest
from subscriptions.models import Subscription, SupportContactAssignment


def all_of(queryset):
    """The rows one after the other, without holding them in memory."""
    return queryset.iterator(chunk_size=2000)


def name_of(partner):
    return f"“{partner}”" if partner else "nobody"


def of_subscriptions():
    rows = Subscription.objects.order_by("pk").select_related("seller", "support_contact")
    for row in all_of(rows.without_contact_though_sold()):
        yield "C2", row, f"was sold by {name_of(row.seller)} and has no support contact."
    for row in all_of(rows.with_contact_without_right()):
        rule, sentence = missing_right(row)
        yield rule, row, f"its support contact {name_of(row.support_contact)} {sentence}"
    for row in all_of(rows.with_history_of_another_contact()):
        told = "names another one" if row.has_open_end else "has no open end"
        contact = name_of(row.support_contact)
        yield "C10", row, f"its support contact is {contact}, its history {told}."
    for row in all_of(rows.with_foreign_reseller_of_record().select_related("reseller_of_record")):
        reseller, seller = name_of(row.reseller_of_record), name_of(row.seller)
        yield "S4", row, f"its reseller of record {reseller} never had a partnership with {seller}."
    for row in all_of(rows.shown_otherwise()):
        shown = "stands" if row.visible_seller_id else "is missing"
        yield "T1", row, f"it {shown} in the lists of its seller, {name_of(row.seller)}."


def missing_right(row):
    """The rule that the contact of ``row`` breaks and why: C9 where it lost a right that it had."""
    never = "C4" if row.is_bought_elsewhere else "C2"
    if row.chooser is None:
        return "C4", "was designated by no partner."
    if row.support_contact.deactivated_at:
        return "C9", f"was deactivated on {iso_day(row.support_contact.deactivated_at)}."
    if not row.is_own and row.support_contact.type != PartnerType.INDIRECT_RESELLER:
        return never, "is neither the seller nor an indirect reseller."
    if not row.is_own and not row.has_partnership:
        if row.had_partnership:
            return "C9", "lost its partnership."
        return never, "has no partnership with the partner that may choose it."
    if not row.has_relationship:
        if row.had_relationship:
            return "C9", "lost its relationship with the customer."
        return never, "has no relationship with the customer."
    if row.lost_dap:
        return "C9", "lost its delegated admin privileges."
    return never, "has no delegated admin privileges."


def of_history():
    rows = SupportContactAssignment.objects.order_by("pk")
    rows = rows.select_related("partner", "subscription__seller")
    for row in all_of(rows.beginning_elsewhere()):
        seller = name_of(row.subscription.seller)
        yield (
            "C1",
            row,
            f"the first contact is {name_of(row.partner)} and not the seller, {seller}.",
        )
    for row in all_of(rows.designated_by_others()):
        yield "C3", row, f"{name_of(row.partner)} was not designated by staff of the one who may."
    for row in all_of(rows.fallen_elsewhere()):
        seller = name_of(row.subscription.seller)
        yield "C9", row, f"fell back to {name_of(row.partner)} and not to the seller, {seller}."
    for row in all_of(rows.with_gap_before()):
        yield "C10", row, "it does not start when the one before ended."
    for user in all_of(User.objects.order_by("pk").erased_silently()):
        yield "C10", user, "was erased from what is told of who acted, and no entry says so."
    for name, wrong in broken_triggers():
        yield "C10", name, f"this trigger {wrong}: what was written can be changed."


def of_relationships():
    for row in all_of(Relationship.objects.doubled()):
        yield "R1", row, "the partner has another active relationship with the same customer."


def of_requests():
    rows = RelationshipRequest.objects.order_by("pk").select_related("customer", "reseller")
    for row in all_of(rows.bound_without_proof()):
        firm = name_of(row.customer or row.reseller)
        yield "R14", row, f"is for {firm}, which proved neither the asked address nor its domain."


def of_users():
    rows = User.objects.order_by("pk")
    for row in all_of(rows.in_two_places()):
        yield "T3", row, "belongs to more than one of: a partner, a customer, the operators."
    for row in all_of(rows.in_no_place()):
        yield "T3", row, "belongs to no partner and no customer, and is no operator."
    for row in all_of(rows.with_sessions_left()):
        yield "T3", row, "was deactivated, or its partner, without ending its sessions."


def of_addresses():
    for model, name in ((User, "email"), (Customer, "domain")):
        rows = model.objects.order_by("pk")
        field: Any = model._meta.get_field(name)
        for pk, text, form in field.out_of_form(rows, name):
            named = f"{model._meta.model_name} {pk}"
            yield (
                "R14",
                named,
                f"its {name} “{text}” is the same as “{form}”, which is another one's.",
            )


def of_firms():
    rows = Customer.objects.order_by("pk")
    for row in all_of(rows.with_shared_domain_proved()):
        yield "R15", row, f"its domain {row.domain} is proved, though many firms share it."
    for row in all_of(rows.used_though_joined()):
        yield "R15", row, "was joined into another record and is used all the same."


CHECKS = (
    of_history,
    of_subscriptions,
    of_relationships,
    of_requests,
    of_users,
    of_addresses,
    of_firms,
)
RULES = ("C1", "C2", "C3", "C4", "C9", "C10", "R1", "R14", "R15", "S4", "T1", "T3")


class Command(BaseCommand):
    help = (
        f"Check the rules {', '.join(RULES)} over the whole database, after an import or a restore. Prints "
        "rule, row and what is wrong for each breach, and fails if there is one. Changes nothing."
    )

    def handle(self, *args, **options):
        found = Counter[str]()
        # PostgreSQL reads piece by piece within a transaction only; one of SQLite would keep writers out.
        is_sqlite = connection.vendor == "sqlite"
        with nullcontext() if is_sqlite else transaction.atomic(savepoint=False):
            for check in CHECKS:
                for rule, row, sentence in check():
                    found[rule] += 1
                    named = row if isinstance(row, str) else f"{row._meta.model_name} {row.pk}"
                    self.stdout.write(f"{rule}\t{named}\t{sentence}")
        if found:
            counts = ", ".join(f"{rule}: {found[rule]}" for rule in RULES if found[rule])
            raise CommandError(f"The rules are broken ({counts}).")
        self.stdout.write(f"The rules {', '.join(RULES)} hold.")
