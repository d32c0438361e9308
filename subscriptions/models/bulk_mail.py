"""Mail about a bulk assignment: one for each party, whatever the number of its subscriptions."""

from collections import defaultdict
from itertools import islice

from customers.models import Customer
from portal import mail
from portal.authority import person_of
from portal.models import Membership, Partner

# How many subscriptions a mail names; where there are more, it says how many.
MOST_NAMED = 50
CHUNK = 500


def tell_of_bulk(rows, acting, *, by):
    """Mail the new contacts and the customers of ``rows``, as ``Subscription.designate`` does for one."""
    person_of(by)
    for contact in Partner.objects.filter(pk__in=rows.order_by().values("contact")):
        if contact != acting:
            given = rows.filter(contact=contact)
            mail.send(
                "contacts_assigned",
                contact.memberships.admins(except_for=by),
                rows=given.with_parties()[:MOST_NAMED],
                count=given.count(),
            )
    customers = Customer.objects.filter(pk__in=rows.subscriptions().order_by().values("customer"))
    admins = Membership.objects.filter(customer__in=customers).admins(except_for=by)
    waiting = admins.order_by("pk").iterator(chunk_size=CHUNK)
    while chunk := list(islice(waiting, CHUNK)):
        by_customer = defaultdict(list)
        named = {admin.membership.customer_id for admin in chunk}
        for row in rows.filter(subscription__customer__in=named).with_parties():
            by_customer[row.subscription.customer_id].append(row)
        mail.send_each(
            "contacts_assigned",
            (
                (
                    admin,
                    {
                        "rows": by_customer[admin.membership.customer_id][:MOST_NAMED],
                        "count": len(by_customer[admin.membership.customer_id]),
                        "is_customer": True,
                    },
                )
                for admin in chunk
            ),
        )
