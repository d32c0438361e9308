import random

from customers.models import Customer, ProvedHow
from portal.models import Action, ActivityEntry, ActivityReader
from portal.permissions import Role
from portal.text import fold
from relationships.models import (
    Relationship,
    RelationshipRequest,
    RequestKind,
    RequestStatus,
    SalesRegion,
)
from subscriptions.models import Billing, Offer, Subscription, SupportContactAssignment

from . import words
from .log import YEAR, Log, contact, day, moment, now
from .partners import FIRST_MPN_ID, Partners, write_people
from .rows import Rows, without_indexes

__all__ = ["FIRST_MPN_ID", "Sample"]

DAY = 24 * 3600
CHUNK = 5000  # customers that are written together
ADDED, DESIGNATED = Action.SUBSCRIPTION_ADDED, Action.SUPPORT_CONTACT_DESIGNATED


class Customers:
    """The rows of some customers, with all that hangs on them, until they are written."""

    def __init__(self):
        self.customers, self.relationships, self.subscriptions = [], [], []
        self.history, self.requests, self.admins = [], [], []


class Sample:
    """Firms, subscriptions and their past, drawn by chance but the same for the same ``seed`` and day.

    Written as rows, without the doors of the models, so the rules are kept here once more;
    ``manage.py verify_rules`` finds nothing to blame.
    """

    def __init__(self, size, *, seed, password):
        self.size, self.password = size, password
        self.rng = random.Random(seed)
        self.log = Log(now())
        self.names = {}

    def write(self):
        """Write it, and return how many rows that were."""
        SalesRegion.objects.create_default()
        known = Customer.objects.count()
        self.partners = Partners(self.rng, self.size, self.log)
        self.partners.write(self.password)
        self.offers = self.make_offers()
        self.tables = {
            "customers": Rows(
                Customer,
                *"id name name_key domain country street postal_code city".split(),
                *"contact_name contact_email agreement_accepted_at".split(),
                *"domain_proved_at domain_proved_how partners_reviewed_at created_at".split(),
            ),
            "relationships": Rows(
                Relationship,
                "id",
                "partner",
                "customer",
                "has_dap",
                "dap_removed_at",
                "started_at",
                "name_and_domain",
                "customer_domain",
            ),
            "subscriptions": Rows(
                Subscription,
                "id",
                "customer",
                "offer",
                "friendly_name",
                "name_key",
                "customer_key",
                "quantity",
                "status",
                "suspended_at",
                "started_on",
                "renews_on",
                "seller",
                "visible_seller",
                "reseller_of_record",
                "support_contact",
                "contact_changed_at",
                "created_at",
            ),
            "history": Rows(
                SupportContactAssignment,
                "subscription",
                "partner",
                "started_at",
                "ended_at",
                "changed_by",
                "designated_for",
                "reason",
            ),
            "requests": Rows(
                RelationshipRequest,
                "id",
                "kind",
                "partner",
                "customer",
                "with_dap",
                "recipient_name",
                "recipient_key",
                "recipient_email",
                "language",
                "status",
                "created_by",
                "created_at",
                "expires_at",
                "answered_at",
            ),
        }
        written = [table.model for table in self.tables.values()]
        with without_indexes(*written, ActivityEntry, ActivityReader):
            for start in range(known, known + self.size, CHUNK):
                self.rows = Customers()
                for number in range(start, min(start + CHUNK, known + self.size)):
                    self.add_customer(number)
                for name, table in self.tables.items():
                    table.write(getattr(self.rows, name))
                write_people(self.rows.admins, self.password)
            self.log.write(CHUNK * 4)
        return self.log.rows + sum(table.written for table in self.tables.values())

    def make_offers(self):
        """Return the offers of the sample: (id, name, whether it is sold by licenses)."""
        made = []
        for product, edition in ((one, two) for one in words.PRODUCTS for two in words.EDITIONS):
            publisher = words.PUBLISHERS[len(product) % len(words.PUBLISHERS)]
            billing = Billing.USAGE if product in ("Backup", "Speicher") else Billing.LICENSE
            offer, _created = Offer.objects.get_or_create(
                publisher=publisher,
                name=f"{publisher} {product} {edition}",
                is_trial=False,
                defaults={"billing": billing},
            )
            made.append((offer.pk.hex, offer.name, offer.billing == Billing.LICENSE))
        return made

    def new_id(self):
        return f"{self.rng.getrandbits(128):032x}"

    def between(self, start, end):
        return start + int(self.rng.random() * max(end - start, 1))

    def name_firm(self):
        rng = self.rng
        if rng.random() < 0.03:
            name, country = rng.choice(words.ABROAD)
            return f"{name} {rng.randrange(1000)}", country
        family, trade = rng.choice(words.FAMILIES), rng.choice(words.TRADES)
        country = rng.choice(("DE", "DE", "DE", "DE", "AT", "CH", "NL", "PL"))
        return f"{trade} {family} {rng.choice(words.PLACES)} {rng.choice(words.LEGAL)}", country

    def add_customer(self, number):
        rng, rows = self.rng, self.rows
        id_, (name, country) = self.new_id(), self.name_firm()
        key = fold(name)
        slug = "".join(char if char.isascii() and char.isalnum() else "-" for char in key).strip(
            "-"
        )
        domain = f"{slug[:40].strip('-') or 'firma'}-{number}.example"
        since = self.between(self.log.now - 5 * YEAR, self.log.now - DAY)
        person = f"{rng.choice(words.GIVEN_NAMES)} {rng.choice(words.FAMILIES)}"
        has_admin = number % 100 == 0
        rows.customers.append(
            (
                id_,
                name,
                key,
                domain,
                country,
                f"Hauptstraße {rng.randrange(1, 200)}",
                f"{rng.randrange(1000, 99999):05}",
                rng.choice(words.PLACES),
                person,
                f"info@{domain}",
                moment(since),
                moment(since) if has_admin else None,
                ProvedHow.OPERATOR.value if has_admin else "",
                moment(since) if has_admin else None,
                moment(since),
            )
        )
        if has_admin:
            role = Role.CUSTOMER_ADMIN.value
            rows.admins.append((self.new_id(), f"admin@{domain}", person, role, None, id_))
        self.customer = (id_, name, key, domain)
        sellers = [self.partners.choose_seller()]
        other = self.partners.choose_seller()
        if other is not sellers[0] and rng.random() < 0.2:
            sellers.append(other)
        self.related = {}
        for seller in sellers:
            self.relate(seller, since, always_dap=True)
            if seller.resellers and rng.random() < 0.6:
                self.relate(self.partners.choose_reseller(seller), since)
        # Most have a handful of subscriptions, few have hundreds; ten on average.
        count = 1 + min(int(rng.paretovariate(1.25) * 2.4), 400)
        for _number in range(count):
            self.add_subscription(since, sellers[0] if rng.random() < 0.8 else sellers[-1])
        if rng.random() < 0.2:
            self.add_request(sellers[0])

    def relate(self, firm, since, *, always_dap=False):
        """Let ``firm`` act for the customer, with DAP or without, or with DAP removed meanwhile."""
        if firm.id in self.related:
            return
        id_, _name, key, domain = self.customer
        at = self.between(since, min(since + YEAR, self.log.now))
        has_dap = always_dap or self.rng.random() < 0.85
        was_removed = not has_dap and self.rng.random() < 0.4
        removed = self.between(at, self.log.now) if was_removed else None
        self.related[firm.id] = (firm, has_dap, at, removed)
        self.rows.relationships.append(
            (
                self.new_id(),
                firm.id,
                id_,
                int(has_dap),
                moment(removed) if removed else None,
                moment(at),
                Customer.written_together(key, domain),
                domain,
            )
        )
        entry = {"subject": firm.name, "subject_id": firm.id, "partners": (firm,), "customer": id_}
        self.log.add(
            at,
            Action.RELATIONSHIP_STARTED,
            **entry,
            after=f'{{"has_dap": {"true" if has_dap or removed else "false"}}}',
        )
        if removed:
            changes = {"before": '{"has_dap": true}', "after": '{"has_dap": false}'}
            self.log.add(removed, Action.DAP_REMOVED, **entry, **changes)

    def add_subscription(self, since, seller):
        rng = self.rng
        id_ = self.new_id()
        offer, name, is_licensed = rng.choice(self.offers)
        if rng.random() < 0.2:
            name = f"{name} ({rng.choice(words.DEPARTMENTS)})"
        created = self.between(since, self.log.now)
        is_elsewhere = rng.random() < 0.03
        suspended = None
        if not is_elsewhere and rng.random() < 0.04:
            suspended = self.between(max(created, self.log.now - 60 * DAY), self.log.now)
        of_record = self.pick_reseller(seller) if rng.random() < 0.3 else None
        support = sold_by = None if is_elsewhere else seller
        of_record = None if is_elsewhere else of_record
        chosen = self.pick_contact(seller, is_elsewhere)
        support = (
            self.add_history(id_, name, created, sold_by, chosen, seller, of_record) or support
        )
        self.rows.subscriptions.append(
            (
                id_,
                self.customer[0],
                offer,
                name,
                self.names.get(name) or self.names.setdefault(name, fold(name)),
                self.customer[2],
                rng.randrange(1, 250) if is_licensed else None,
                "suspended" if suspended else "active",
                suspended and moment(suspended),
                day(created),
                day(max(created + YEAR, self.log.now + 30 * DAY)),
                sold_by and sold_by.id,
                sold_by and sold_by.id,  # it looks after the customer
                of_record and of_record.id,
                support and support.id,
                self.rows.history[-1][2],  # its last stretch, the one in force
                moment(created),
            )
        )

    def pick_reseller(self, seller):
        """One of the customer's firms that works with ``seller`` as its reseller, or None."""
        found = [firm for firm, *_rest in self.related.values() if firm in seller.works_with]
        return self.rng.choice(found) if found else None

    def pick_contact(self, seller, is_elsewhere):
        """Whom the staff of ``seller`` has designated, if anybody."""
        if self.rng.random() > 0.3:
            return None
        chosen = self.pick_reseller(seller)
        return seller if chosen is None and is_elsewhere else chosen

    def add_history(self, id_, name, created, seller, chosen, acting, of_record):
        """Write who answered from when to when; return who was designated and still answers, or None."""
        parties = (seller, of_record)
        add, log = self.rows.history.append, self.log.add
        entry = {"subject": name, "subject_id": id_, "customer": self.customer[0]}
        first = (id_, seller and seller.id, moment(created))
        if seller:
            log(created, ADDED, **entry, by=acting.actor, partners=parties)
        if chosen is None:
            add((*first, None, None, None, ADDED.value))
            return None
        _firm, has_dap, _at, removed = self.related[chosen.id]
        if not has_dap and not (removed and removed > created + DAY):
            add((*first, None, None, None, ADDED.value))
            return None
        at = self.between(created, removed or self.log.now)
        add((*first, moment(at), None, None, ADDED.value))
        second = (id_, chosen.id, moment(at))
        why = (acting.actor, acting.id, DESIGNATED.value)
        before = contact(seller.name if seller else "")
        log(
            at,
            DESIGNATED,
            **entry,
            by=acting.actor,
            partners=(*parties, chosen, acting),
            before=before,
            after=contact(chosen.name),
        )
        if has_dap:
            add((*second, None, *why))
            return chosen
        # What rested on the privileges fell back when they were taken away (C9).
        add((*second, moment(removed), *why))
        add(
            (
                id_,
                seller and seller.id,
                moment(removed),
                None,
                None,
                None,
                Action.DAP_REMOVED.value,
            )
        )
        log(
            removed,
            Action.SUPPORT_CONTACT_FELL_BACK,
            **entry,
            partners=(*parties, chosen, acting),
            before=contact(chosen.name),
            after=before,
            reason=Action.DAP_REMOVED.value,
        )
        return None

    def add_request(self, asking):
        """Add a request: open to a firm that is not a customer yet, or of the past."""
        rng = self.rng
        id_, name, key, domain = self.customer
        status = rng.choice([*[RequestStatus.ACCEPTED] * 6, *RequestStatus])
        answered = None
        if status == RequestStatus.OPEN:
            name, key = f"{name} (Filiale)", f"{key} (filiale)"
            created = self.between(self.log.now - 80 * DAY, self.log.now)
        else:
            created = self.between(self.log.start, self.log.now - 91 * DAY)
            answered = created + 1 + self.rng.randrange(30 * DAY)
        if status == RequestStatus.EXPIRED:
            status, answered = RequestStatus.OPEN, None
        is_known = status == RequestStatus.ACCEPTED
        request = self.new_id()
        self.rows.requests.append(
            (
                request,
                RequestKind.CUSTOMER.value,
                asking.id,
                id_ if is_known else None,
                1,
                name,
                key,
                f"info@{domain}",
                "de",
                status.value,
                asking.admin,
                moment(created),
                moment(created + 90 * DAY),
                answered and moment(answered),
            )
        )
        entry = {"subject": name, "subject_id": request, "after": '{"with_dap": true}'}
        customer = id_ if is_known else None
        self.log.add(created, Action.REQUEST_CREATED, **entry, by=asking.actor, partners=(asking,))
        if is_known:
            self.log.add(
                answered, Action.REQUEST_ACCEPTED, **entry, partners=(asking,), customer=customer
            )
