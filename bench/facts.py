"""What the sample has to offer for measuring: whose pages, which rows, which words."""

from collections import Counter
from functools import cached_property

from django.db.models import Count, Max

from bench.browser import Browser
from customers.models import Customer
from lists.keyset import write_cursor
from portal.models import ActivityReader, Membership, Notice, Partner, PartnerType, User
from relationships.models import Relationship, RelationshipRequest
from subscriptions.models import Offer, Subscription
from subscriptions.models.coverage_parts import ORDERS, SORTS

# How far down a list a page counts as deep.
DEEP = 0.95
PAGE = 25


def deep(rows, *key):
    """Return the cursor of the row at ``DEEP`` of the queryset ``rows`` in the order of ``key``.

    A full page follows it, where there are so many rows.
    """
    count = rows.count()
    found = rows.order_by(*key).values_list(*(name.removeprefix("-") for name in key))
    return write_cursor(found[max(min(int(count * DEEP), count - PAGE - 1), 0)])


class Facts:
    def __init__(self):
        self.provider = Partner.objects.filter(type=PartnerType.INDIRECT_PROVIDER).earliest(
            "mpn_id"
        )
        self.user = User.objects.get(membership__partner=self.provider)
        # Whoever works here every day has dismissed what was new.
        newest = Notice.objects.aggregate(newest=Max("pk"))["newest"] or 0
        User.objects.update(notices_dismissed=newest)
        self.user.refresh_from_db()
        self.browser = Browser(self.user)

    @cached_property
    def operator(self):
        return Browser(User.objects.create_superuser("operator@bench.example"))

    @property
    def relationships(self):
        return Relationship.objects.active().filter(partner=self.provider)

    @property
    def subscriptions(self):
        return Subscription.objects.filter(visible_seller=self.provider)

    @cached_property
    def reseller(self):
        """The reseller that answers for the most, for the filters that leave out the least."""
        answers = self.subscriptions.exclude(support_contact=self.provider).values(
            "support_contact"
        )
        most = answers.annotate(size=Count("pk")).order_by("-size")[0]
        return Partner.objects.get(pk=most["support_contact"])

    @cached_property
    def rare_word(self):
        """A part of the domain of one customer in the middle of the list."""
        rows = self.relationships.order_by("name_and_domain")
        domain = rows.values_list("customer_domain", flat=True)[rows.count() // 2]
        return domain.removesuffix(".example")[-6:]

    @cached_property
    def last_offer(self):
        """The product that stands last in a list by product."""
        return Offer.objects.order_by("name_key").last()

    @cached_property
    def middle_word(self):
        """A word that about one customer in 100 has in its name: many to look up, few to meet soon."""
        keys = self.relationships.values_list("customer__name_key", flat=True)
        counts = Counter(word for key in keys for word in set(key.split()))
        wanted = sum(1 for _key in keys) / 100
        return min(sorted(counts), key=lambda word: abs(counts[word] - wanted))

    @cached_property
    def customer(self):
        """A customer with more subscriptions than fit on a page."""
        ours = Customer.objects.filter(relationships__in=self.relationships)
        return ours.annotate(size=Count("subscriptions")).filter(size__gte=60).order_by("size")[0]

    @cached_property
    def customer_admin(self):
        """The admin of a customer, who reads whom to call for each of 25 products."""
        members = Membership.objects.filter(customer__isnull=False)
        members = members.annotate(size=Count("customer__subscriptions"))
        member = min(members.select_related("user"), key=lambda one: abs(one.size - 25))
        return Browser(member.user)

    def cursor_of_customers(self, key):
        return deep(self.relationships, key, "customer_id")

    def cursor_of_coverage(self, sort):
        (column, _field), order = SORTS[sort], ORDERS[sort]
        sign = "-" if order.is_descending else ""
        columns = (column if name == "sort_key" else name for name in order.columns)
        return deep(self.subscriptions, *(f"{sign}{name}" for name in columns))

    def cursor_of_requests(self):
        return deep(RelationshipRequest.objects.filter(partner=self.provider), "-created_at", "-pk")

    def cursor_of_activity(self):
        return deep(ActivityReader.objects.filter(partner=self.provider), "-at", "-activityentry")

    def cursor_of_subscriptions(self):
        return deep(Subscription.objects.filter(customer=self.customer), "name_key", "pk")
