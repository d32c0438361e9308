from dataclasses import dataclass, field

from django.db.models import Max

from portal.models import (
    Action,
    Actor,
    Membership,
    MembershipRole,
    Partner,
    PartnerType,
    ProofMethod,
    ProvedAddress,
    User,
)
from portal.permissions import Role
from portal.text import fold
from relationships.models import Partnership

from . import words
from .rows import Rows, reset_sequence

# The numbers of the sample's partners in the vendor's network start here.
FIRST_MPN_ID = 7_000_000_000
RESELLERS_OF_THE_LARGEST = 200


@dataclass(slots=True, eq=False)
class Firm:
    """A partner of the sample, with what its customers' rows need of it."""

    id: str
    name: str
    country: str
    admin: str
    actor: int
    is_provider: bool
    resellers: list = field(default_factory=list)
    works_with: set = field(default_factory=set)
    weights: list = field(default_factory=list)


class Partners:
    """The partners of the sample: one large provider, smaller ones, direct-bill partners, resellers.

    Each has a Global admin; the providers share some of their resellers.
    """

    def __init__(self, rng, customers, log):
        self.rng, self.log = rng, log
        self.actor = Actor.objects.aggregate(last=Max("pk"))["last"] or 0
        self.number = FIRST_MPN_ID + Partner.objects.filter(mpn_id__startswith="7000").count()
        self.partners, self.people, self.partnerships = [], [], []
        self.largest = self.add(PartnerType.INDIRECT_PROVIDER, words.PROVIDERS[0], "Distribution")
        few = min(max(1, customers // 2000), len(words.PROVIDERS) - 1)
        smaller = [
            self.add(PartnerType.INDIRECT_PROVIDER, name, "Cloud")
            for name in words.PROVIDERS[1 : few + 1]
        ]
        direct = [
            self.add(PartnerType.DIRECT_BILL, rng.choice(words.FAMILIES), "Direkt")
            for _number in range(min(max(1, customers // 1000), 40))
        ]
        count = min(max(2, customers // 4), RESELLERS_OF_THE_LARGEST)
        resellers = [
            self.add(
                PartnerType.INDIRECT_RESELLER,
                rng.choice(words.FAMILIES),
                rng.choice(words.RESELLERS),
            )
            for _number in range(count)
        ]
        self.work_together(self.largest, resellers)
        for provider in smaller:
            self.work_together(provider, rng.sample(resellers, max(1, count // 10)))
        # Half of the customers are with the largest seller, most of the others with few of the rest.
        self.sellers = [self.largest, *smaller, *direct]
        rest = [1 / (rank + 1) for rank in range(len(self.sellers) - 1)]
        self.shares = [sum(rest), *rest]

    def add(self, type_, *parts):
        number, name = self.number, " ".join(parts)
        if type_ == PartnerType.INDIRECT_RESELLER:
            name = f"{name} {self.rng.choice(words.PLACES)}"
        self.number += 1
        country = self.rng.choice(("DE", "DE", "DE", "AT", "CH"))
        self.actor += 1
        firm = Firm(
            self.new_id(),
            name,
            country,
            self.new_id(),
            self.actor,
            type_ == PartnerType.INDIRECT_PROVIDER,
        )
        domain = f"partner-{number % 1_000_000}.example"
        self.partners.append(
            (
                firm.id,
                name,
                fold(name),
                type_.value,
                str(number),
                country,
                f"support@{domain}",
                f"+49305{number % 1_000_000:06}",
                f"https://{domain}/support/",
                "Mo–Fr 08:00–18:00",
                '["de", "en"]',
            )
        )
        self.people.append((firm, f"admin@{domain}", Role.GLOBAL_ADMIN.value))
        return firm

    def new_id(self):
        return f"{self.rng.getrandbits(128):032x}"

    def work_together(self, provider, resellers):
        provider.resellers = resellers
        provider.works_with = set(resellers)
        # The first of them look after many customers, the last after hardly any.
        provider.weights = [1 / (rank + 2) for rank in range(len(resellers))]
        for reseller in resellers:
            partnership = self.new_id()
            self.partnerships.append((partnership, provider.id, reseller.id))
            self.log.add(
                self.log.start,
                Action.PARTNERSHIP_STARTED,
                by=reseller.actor,
                subject=f"{provider.name} – {reseller.name}",
                subject_id=partnership,
                partners=(provider, reseller),
            )

    def choose_seller(self):
        return self.rng.choices(self.sellers, self.shares)[0]

    def choose_reseller(self, provider):
        return self.rng.choices(provider.resellers, provider.weights)[0]

    def write(self, password):
        Rows(
            Partner,
            "id",
            "name",
            "name_key",
            "type",
            "mpn_id",
            "country",
            "support_email",
            "support_phone",
            "support_website",
            "support_hours",
            "support_languages",
        ).write(self.partners)
        Rows(Partnership, "id", "provider", "reseller").write(self.partnerships)
        write_people(
            [
                (firm.admin, email, name_of_admin(firm), role, firm.id, None)
                for firm, email, role in self.people
            ],
            password,
        )
        # Each of their admins has acted.
        Rows(Actor, "id", "user", "number", "name", "email", "partner", "organisation").write(
            [
                (firm.actor, firm.admin, 1, name_of_admin(firm), email, firm.id, firm.name)
                for firm, email, _role in self.people
            ]
        )
        reset_sequence(Actor)


def name_of_admin(firm):
    return f"Global admin, {firm.name}"


def write_people(people, password):
    """Write users with their place and role: (id, email, name, role, partner, customer)."""
    Rows(User, "id", "email", "name", "password").write(
        [(id_, email, name, password) for id_, email, name, *_rest in people]
    )
    Rows(ProvedAddress, "user", "email", "how").write(
        [(id_, email, ProofMethod.DEMO.value) for id_, email, *_rest in people]
    )
    Rows(Membership, "user", "partner", "customer").write(
        [(id_, partner, customer) for id_, _email, _name, _role, partner, customer in people]
    )
    emails = {email: role for _id, email, _name, role, *_rest in people}
    members = Membership.objects.filter(user__email__in=emails).values_list("pk", "user__email")
    Rows(MembershipRole, "membership", "role").write(
        [(member, emails[email]) for member, email in members]
    )
