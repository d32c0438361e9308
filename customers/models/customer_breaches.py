"""What breaks R15: domains that nobody can prove, and records that were joined and are used all the same.

``manage.py verify_rules`` prints what these find.
"""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from .shared_domains import SharedDomain

if TYPE_CHECKING:
    from .customers import Customer  # noqa: F401 - the rows that are read

# What moves when a record is joined into another.
RELATED = (
    "memberships",
    "notices",
    "relationships",
    "subscriptions",
    "requests",
    "joined_records",
)


class CustomerBreaches(models.QuerySet["Customer"]):
    def with_shared_domain_proved(self) -> Self:
        """R15: customers with a proved domain that many firms share."""
        proved = dict(self.filter(domain_proved_at__isnull=False).values_list("pk", "domain"))
        shared = SharedDomain.objects.shared_among(set(proved.values()))
        return self.filter(pk__in=[pk for pk, domain in proved.items() if domain in shared])

    def used_though_joined(self) -> Self:
        """R15: records that were joined into another one and have people or business of their own."""
        used = Q()
        for name in RELATED:
            used |= Q((f"{name}__isnull", False))
        return self.filter(used, joined_into__isnull=False).distinct()
