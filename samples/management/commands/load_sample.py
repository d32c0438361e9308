import time

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

from portal.models import Partner, PartnerType, ProofMethod, User
from samples.installation import FIRST_MPN_ID, Sample

PASSWORD = "demo-portal"


class Command(BaseCommand):
    help = "Makes an installation of any size with invented firms, to try the portal out or to measure it."

    def add_arguments(self, parser):
        parser.add_argument("--customers", type=int, required=True, help="how many customers")
        parser.add_argument(
            "--seed", type=int, default=1, help="another number makes other firms (default: 1)"
        )
        parser.add_argument(
            "--again", action="store_true", help="add to an installation that has a sample already"
        )

        parser.add_argument(
            "--yes-into-this-database",
            action="store_true",
            help="add invented firms also where DEBUG is off, which people may be using",
        )

    def handle(self, *, customers, seed, again, yes_into_this_database, **options):
        if customers < 1:
            raise CommandError("--customers must be at least 1.")
        if not (settings.DEBUG or yes_into_this_database):
            database = connection.settings_dict
            where = (
                f"{database['NAME']} on {database['HOST']}"
                if database["HOST"]
                else database["NAME"]
            )
            raise CommandError(
                f"DEBUG is off, so people may be using this installation. Its database is {where}. Nothing "
                "takes invented firms out again. If you want them there, add --yes-into-this-database."
            )
        if Partner.objects.filter(mpn_id=str(FIRST_MPN_ID)).exists() and not again:
            raise CommandError("This installation has a sample already. --again adds another one.")
        start = time.monotonic()
        # Without DEBUG nobody can sign in: the password is known to everyone.
        password = make_password(PASSWORD if settings.DEBUG else None)
        with transaction.atomic():
            with connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    # Checked at each statement, foreign keys don't pile up until the end.
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            rows = Sample(customers, seed=seed, password=password).write()
        with connection.cursor() as cursor:
            # What the database's own housekeeping would do a while later.
            can_vacuum = connection.vendor == "postgresql" and not connection.in_atomic_block
            cursor.execute("VACUUM ANALYZE" if can_vacuum else "ANALYZE")
        took = time.monotonic() - start
        self.stdout.write(f"{rows:,} rows in {took:.1f} s, {rows / took:,.0f} a second.\n")
        self.print_people()

    def print_people(self):
        """Say who can sign in: of each kind of firm the first, the largest provider among them."""
        if settings.DEBUG:
            self.stdout.write(f"\nEvery admin's password: {PASSWORD}. For example:\n\n")
        else:
            self.stdout.write(
                "\nNobody can sign in yet: DEBUG is off, and the password is known to everyone.\n"
                "manage.py changepassword EMAIL gives one of these a password:\n\n"
            )
        joined = User.objects.filter(proved_addresses__how=ProofMethod.DEMO)
        of_sample = joined.filter(membership__partner__mpn_id__gte=str(FIRST_MPN_ID))
        for kind in PartnerType:
            person = of_sample.filter(membership__partner__type=kind)
            self.print_person(person.order_by("membership__partner__mpn_id").first())
        self.print_person(joined.exclude(membership__customer=None).order_by("email").first())

    def print_person(self, person):
        if person is not None:
            self.stdout.write(f"  {person.email:32} {person.membership.organisation.name}\n")
