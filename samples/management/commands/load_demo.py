import uuid
from datetime import timedelta
from functools import cache

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from customers.models import Customer
from portal.authority import PORTAL
from portal.models import Membership, Partner, PartnerType, ProofMethod, ProvedAddress, User
from portal.permissions import Role
from portal.zones import today
from relationships.models import Partnership, RegionCountry, Relationship, SalesRegion
from samples.demo_offers import keep_offers
from subscriptions.models import Subscription

PASSWORD = "demo-portal"
OPERATOR = "operator@portal.example"

PROVIDER, RESELLER, DIRECT = (
    PartnerType.INDIRECT_PROVIDER,
    PartnerType.INDIRECT_RESELLER,
    PartnerType.DIRECT_BILL,
)
GLOBAL = {"global": Role.GLOBAL_ADMIN}

# name: type, MPN ID, country, domain, phone, hours, languages, people
PARTNERS = {
    "Nordlicht Distribution": (
        PROVIDER,
        "4100100",
        "DE",
        "nordlicht.example",
        "+49 40 5550100",
        "Mon–Fri 07:00–20:00 CET",
        ["de", "en"],
        {
            "global": Role.GLOBAL_ADMIN,
            "agent": Role.ADMIN_AGENT,
            "sales": Role.SALES_AGENT,
            "helpdesk": Role.HELPDESK_AGENT,
            "users": Role.USER_MANAGEMENT_ADMIN,
        },
    ),
    "Südwind Cloud": (
        PROVIDER,
        "4100200",
        "AT",
        "suedwind.example",
        "+43 1 5550200",
        "Mon–Fri 08:00–18:00 CET",
        ["de", "en", "it"],
        GLOBAL,
    ),
    "Brandt Direkt": (
        DIRECT,
        "4100300",
        "DE",
        "brandt.example",
        "+49 30 5550300",
        "Mon–Fri 09:00–17:00 CET",
        ["de"],
        GLOBAL,
    ),
    "Hafen IT": (
        RESELLER,
        "5200100",
        "DE",
        "hafen.example",
        "+49 40 5550400",
        "Mon–Sun 00:00–24:00",
        ["de", "en", "da"],
        GLOBAL,
    ),
    "Elbe Support": (
        RESELLER,
        "5200200",
        "DE",
        "elbe.example",
        "+49 40 5550500",
        "Mon–Fri 08:00–18:00 CET",
        ["de"],
        GLOBAL,
    ),
    "Kranich Consulting": (
        RESELLER,
        "5200300",
        "DE",
        "kranich.example",
        "+49 431 5550600",
        "Mon–Fri 08:00–17:00 CET",
        ["de", "en"],
        GLOBAL,
    ),
    "Möwe Systems": (
        RESELLER,
        "5200400",
        "DE",
        "moewe.example",
        "+49 421 5550700",
        "Mon–Sat 08:00–20:00 CET",
        ["de", "nl"],
        GLOBAL,
    ),
    "Pacific Resale": (
        RESELLER,
        "5200500",
        "US",
        "pacific.example",
        "+1 206 555 0188",
        "Mon–Fri 08:00–18:00 PT",
        ["en"],
        GLOBAL,
    ),
}

PARTNERSHIPS = {
    ("Nordlicht Distribution", "Hafen IT"),
    ("Nordlicht Distribution", "Elbe Support"),
    ("Nordlicht Distribution", "Kranich Consulting"),
    ("Südwind Cloud", "Möwe Systems"),
}

# name: country, domain, street, postal code, city, contact person
CUSTOMERS = {
    "Reederei Albers": (
        "DE",
        "albers.example",
        "Am Sandtorkai 12",
        "20457",
        "Hamburg",
        "Jonas Albers",
    ),
    "Backhaus Petersen": (
        "DE",
        "petersen.example",
        "Holstenstraße 3",
        "24103",
        "Kiel",
        "Wiebke Petersen",
    ),
    "Praxis Dr. Yılmaz": (
        "DE",
        "yilmaz.example",
        "Oranienstraße 40",
        "10999",
        "Berlin",
        "Dr. Elif Yılmaz",
    ),
    "Weingut Huber": (
        "AT",
        "huber.example",
        "Kellergasse 7",
        "3550",
        "Langenlois",
        "Anna Huber",
    ),
}

# customer, partner: with DAP
RELATIONSHIPS = {
    ("Reederei Albers", "Nordlicht Distribution"): True,
    ("Reederei Albers", "Hafen IT"): True,
    ("Reederei Albers", "Elbe Support"): False,
    ("Reederei Albers", "Möwe Systems"): True,
    ("Reederei Albers", "Südwind Cloud"): False,
    ("Backhaus Petersen", "Nordlicht Distribution"): True,
    ("Backhaus Petersen", "Elbe Support"): True,
    ("Praxis Dr. Yılmaz", "Brandt Direkt"): True,
    ("Weingut Huber", "Südwind Cloud"): True,
    ("Weingut Huber", "Möwe Systems"): True,
}

# customer, offer: seller, reseller of record, licenses (None: usage-based), suspended
SUBSCRIPTIONS = {
    ("Reederei Albers", "Office 365 Business Standard"): (
        "Nordlicht Distribution",
        None,
        25,
        False,
    ),
    ("Reederei Albers", "Microsoft 365 E3"): ("Nordlicht Distribution", None, 10, True),
    ("Reederei Albers", "Azure plan"): ("Nordlicht Distribution", None, None, False),
    ("Reederei Albers", "Dynamics 365 Sales"): ("Südwind Cloud", None, 5, False),
    ("Reederei Albers", "Visio Plan 2"): (None, None, 3, False),
    ("Backhaus Petersen", "Microsoft 365 Business Basic"): (
        "Nordlicht Distribution",
        "Elbe Support",
        8,
        False,
    ),
    ("Backhaus Petersen", "Exchange Online (Plan 1)"): ("Nordlicht Distribution", None, 4, False),
    ("Praxis Dr. Yılmaz", "Microsoft 365 Business Premium"): ("Brandt Direkt", None, 6, False),
    ("Weingut Huber", "Office 365 Business Standard"): ("Südwind Cloud", "Möwe Systems", 12, False),
    ("Weingut Huber", "Power BI Pro"): ("Südwind Cloud", None, 3, False),
}


def key(*names):
    """The same id for the same demo row, on every installation."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, "/".join(("portal.example", *names)))


# Hashing is slow on purpose; everyone in the demo shares a password, so it is done once.
@cache
def demo_password():
    return make_password(PASSWORD)


@cache
def is_demo_password(encoded):
    return check_password(PASSWORD, encoded)


class Command(BaseCommand):
    help = "Makes the demo data, or brings it back to how it was, and prints who can sign in."

    def handle(self, *args, **options):
        if not settings.DEBUG:
            raise CommandError(
                "The demo data has a known password. It is loaded only where DEBUG is on."
            )
        with transaction.atomic():
            self.load()
        self.print_people()

    def load(self):
        self.add_user(OPERATOR, is_staff=True)
        self.partners = {name: self.add_partner(name, *row) for name, row in PARTNERS.items()}
        self.customers = {name: self.add_customer(name, *row) for name, row in CUSTOMERS.items()}
        self.keep_region()
        self.keep_partnerships()
        keep_offers(key)
        for names, row in SUBSCRIPTIONS.items():
            self.add_subscription(*names, *row)
        self.keep_relationships()
        self.withdraw_requests()
        for names, row in SUBSCRIPTIONS.items():
            self.restore_subscription(*names, *row)

    def add_user(self, email, organisation=None, role=None, **fields):
        user = User.objects.joined().filter(email=email).first() or User(id=key(email), email=email)
        for name, value in fields.items():
            setattr(user, name, value)
        if not is_demo_password(user.password):
            user.password = demo_password()
        user.language = ""
        user.save()
        ProvedAddress.objects.vouch([user], ProofMethod.DEMO)
        user.reactivate(by=PORTAL)
        if organisation and not hasattr(user, "membership"):
            Membership.objects.join(user, organisation, [role], by=PORTAL)
        elif organisation:
            user.membership.set_roles([role], by=PORTAL)

    def add_partner(self, name, type_, mpn_id, country, domain, phone, hours, languages, people):
        partner, _created = Partner.objects.update_or_create(
            id=key(name),
            defaults={
                "name": name,
                "type": type_,
                "mpn_id": mpn_id,
                "country": country,
                "support_email": f"support@{domain}",
                "support_phone": phone,
                "support_website": f"https://support.{domain}/",
                "support_hours": hours,
                "support_languages": languages,
            },
        )
        partner.reactivate(by=PORTAL)
        for person, role in people.items():
            self.add_user(f"{person}@{domain}", partner, role, name=f"{role.label}, {name}")
        return partner

    def add_customer(self, name, country, domain, street, postal_code, city, contact):
        customer, _created = Customer.objects.update_or_create(
            id=key(name),
            defaults={
                "name": name,
                "country": country,
                "domain": domain,
                "street": street,
                "postal_code": postal_code,
                "city": city,
                "contact_name": contact,
                "contact_email": f"admin@{domain}",
            },
        )
        if customer.agreement_accepted_at is None:
            Customer.objects.filter(pk=customer.pk).update(agreement_accepted_at=timezone.now())
        if customer.partners_reviewed_at is None:
            Customer.objects.filter(pk=customer.pk).update(partners_reviewed_at=timezone.now())
        customer.confirm_domain(by=PORTAL)
        self.add_user(f"admin@{domain}", customer, Role.CUSTOMER_ADMIN, name=contact)
        return customer

    def keep_region(self):
        SalesRegion.objects.create_default()
        region = SalesRegion.objects.filter(countries__country="DE").first()
        region = region or SalesRegion.objects.earliest("pk")
        for country in ("DE", "AT"):
            RegionCountry.objects.update_or_create(country=country, defaults={"region": region})

    def keep_partnerships(self):
        standing = Partnership.objects.active().filter(
            provider__in=self.partners.values(), reseller__in=self.partners.values()
        )
        missing = set(PARTNERSHIPS)
        for partnership in standing.select_related("provider", "reseller"):
            names = (partnership.provider.name, partnership.reseller.name)
            if names in missing:
                missing.remove(names)
            else:
                partnership.end(by=PORTAL)
        for provider, reseller in sorted(missing):
            Partnership.objects.start(self.partners[provider], self.partners[reseller], by=PORTAL)

    def keep_relationships(self):
        standing = Relationship.objects.active().filter(
            partner__in=self.partners.values(), customer__in=self.customers.values()
        )
        missing = dict(RELATIONSHIPS)
        for relationship in standing.select_related("partner", "customer"):
            has_dap = missing.pop((relationship.customer.name, relationship.partner.name), None)
            if has_dap is None:
                for subscription in relationship.customer.subscriptions.active().sold_by(
                    relationship.partner
                ):
                    subscription.suspend(by=self.admin_of(relationship.partner))
                relationship.end(by=PORTAL)
            elif has_dap:
                relationship.grant_dap(by=PORTAL)
            else:
                relationship.remove_dap(by=PORTAL)
                Relationship.objects.filter(pk=relationship.pk).update(dap_removed_at=None)
        for (customer, partner), has_dap in missing.items():
            Relationship.objects.start(
                self.partners[partner], self.customers[customer], has_dap=has_dap, by=PORTAL
            )

    def withdraw_requests(self):
        for partner in self.partners.values():
            for request in partner.requests.open():
                request.withdraw(by=self.admin_of(partner))

    def add_subscription(self, customer, offer, seller, reseller_of_record, quantity, is_suspended):
        Subscription.objects.get_or_create(
            id=key(customer, offer),
            defaults={
                "customer": self.customers[customer],
                "offer_id": key(offer),
                "seller": self.partners.get(seller),
                "started_on": today() - timedelta(days=120),
                "renews_on": today() + timedelta(days=245),
            },
        )

    def restore_subscription(
        self, customer, offer, seller, reseller_of_record, quantity, is_suspended
    ):
        subscription = Subscription.objects.get(id=key(customer, offer))
        subscription.friendly_name = offer
        subscription.quantity = quantity
        subscription.reseller_of_record = self.partners.get(reseller_of_record)
        subscription.auto_renew = True
        subscription.save()
        if seller is None:
            subscription.designate(None, by=self.admin_of(self.partners["Nordlicht Distribution"]))
            return
        admin = self.admin_of(subscription.seller)
        if (last := subscription.reactivate_by) and last <= today():
            # Suspended today: one that lay too long could not be reactivated any more (S2).
            subscription.suspended_at = timezone.now()
            subscription.save(update_fields=["suspended_at"])
        subscription.designate(subscription.seller, by=admin)
        if is_suspended:
            subscription.suspend(by=admin)
        else:
            subscription.reactivate(by=admin)

    def admin_of(self, partner):
        domain = partner.support_email.partition("@")[2]
        return (
            User.objects.joined()
            .select_related("membership__partner")
            .get(email=f"global@{domain}")
        )

    def print_people(self):
        self.stdout.write(f"Demo data loaded. Everyone's password: {PASSWORD}\n\n")
        self.stdout.write(f"  {OPERATOR:28} Operator (Django admin)\n")
        for organisation in (*self.partners.values(), *self.customers.values()):
            members = organisation.memberships.select_related("user").order_by("pk")
            for membership in members:
                roles = ", ".join(str(role.label) for role in membership.roles)
                self.stdout.write(f"  {membership.user.email:28} {roles}, {organisation.name}\n")
