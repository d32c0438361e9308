"""What tests read of a support contact and its history, and the four ways in which it is lost."""

from subscriptions.models import Subscription, SupportContactAssignment


def contact(subscription):
    """The support contact as the database has it, the history agreeing."""
    stored = Subscription.objects.get(pk=subscription.pk).support_contact
    [in_force] = SupportContactAssignment.objects.filter(subscription=subscription, ended_at=None)
    assert in_force.partner == stored
    since = Subscription.objects.get(pk=subscription.pk).contact_changed_at
    assert in_force.started_at == since
    return str(stored or "")


def history(subscription):
    """From the first to the last: contact, who changed it, why."""
    return [
        (str(row.partner or ""), str(row.changed_by and row.changed_by.email), row.reason)
        for row in subscription.support_contact_history.order_by("id")
    ]


def dap_removed(demo):
    demo.relationship("Reederei Albers", "Hafen IT").remove_dap(
        by=demo.user("admin@albers.example")
    )


def relationship_ended(demo):
    demo.relationship("Reederei Albers", "Hafen IT").end(by=demo.user("global@hafen.example"))


def partnership_ended(demo):
    demo.partnership("Nordlicht Distribution", "Hafen IT").end(by=demo.user("global@hafen.example"))


def partner_deactivated(demo):
    demo.partner("Hafen IT").deactivate(by=demo.user("operator@portal.example"))
