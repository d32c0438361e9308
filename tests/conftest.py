"""The people, firms and subscriptions of the demo data, and what every test may ask of them."""

from contextlib import contextmanager
from io import StringIO

import hypothesis
import pytest
import requests
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction
from django.http import FileResponse
from django.test import Client, RequestFactory, override_settings
from django.utils import translation

from customers.models import Customer
from portal import settings as portal_settings
from portal.models import ActivityEntry, Mail, Partner, User
from relationships.models import Partnership, Relationship
from subscriptions.models import Offer, Subscription
from tests.demo import OPERATOR
from tests.deployment import copy_checkout, new_databases
from tests.log_lines import log_lines
from tests.migrations import past_database
from tests.stages import Stage

APPS = ("portal", "customers", "relationships", "subscriptions")

# On a busy machine a slow example says nothing about the code.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords():
    """A hash that is slow on purpose would be most of the run."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=hashers):
        yield


@pytest.fixture(scope="session", autouse=True)
def _asked_at_its_own_address():
    """Tests ask the portal where people do: at the host of PORTAL_URL."""
    original = RequestFactory._base_environ

    def at_portal(self, **request):
        return original(self, **{"SERVER_NAME": "portal.example", **self.defaults, **request})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RequestFactory, "_base_environ", at_portal)
        yield


def _names(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


@contextmanager
def unprotected(tables=None):
    """Take the triggers away that keep rows as they are, to make up a past or a damaged database.

    On PostgreSQL each table costs time, so that one may name those that matter.
    """
    if connection.vendor == "sqlite":
        found = _names("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        off = [f'DROP TRIGGER "{name}"' for name, _sql in found]
        on = [sql for _name, sql in found]
    else:
        found = _names(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
        )
        names = [name for (name,) in found if tables is None or name in tables]
        off = [f"ALTER TABLE {name} DISABLE TRIGGER USER" for name in names]
        on = [f"ALTER TABLE {name} ENABLE TRIGGER USER" for name in names]
        # Neither is possible while a deferred constraint has still to be checked.
        off.insert(0, "SET CONSTRAINTS ALL IMMEDIATE")
        on.insert(0, "SET CONSTRAINTS ALL IMMEDIATE")
    with transaction.atomic(), connection.cursor() as cursor:
        for sql in off:
            cursor.execute(sql)
        yield
        for sql in on:
            cursor.execute(sql)


# Rows of Django's own that follow from the models. Emptied, they would be made anew for each test.
KEPT = {"auth_permission", "django_content_type"}


@pytest.fixture(scope="session", autouse=True)
def _tables_can_be_emptied():
    """Between tests with transactions of their own every table is emptied, protected or not.

    Most are empty already, and TRUNCATE, which Django would use on PostgreSQL, makes new files for
    each table and index.
    """

    def filled(self, style, tables, *, reset_sequences=False, allow_cascade=False):
        # The cache, too: it is no table of a model, and counts what was done.
        tables = {*tables, "portal_cache"} - KEPT
        asked = [f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in tables]  # noqa: S608
        return [name for (name,) in _names(" UNION ALL ".join(asked))]

    def empty(self, tables):
        with unprotected(tables), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")  # the tables are in no order
            for name in tables:
                cursor.execute(f'DELETE FROM "{name}"')  # noqa: S608

    # Of the class: a test that drives a browser has a connection of its own.
    operations = type(connection.ops)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "sql_flush", filled)
        patch.setattr(operations, "execute_sql_flush", empty)
        yield


@pytest.fixture(autouse=True)
def _in_english():
    """Each test begins in English, whatever language a page spoke last."""
    translation.activate("en")


@pytest.fixture(autouse=True)
def _no_other_server(monkeypatch):
    """No test asks a server elsewhere; those about one put their own answers here."""

    def refuse(self, method, url, **kwargs):
        raise requests.ConnectionError(f"{method} {url} in a test")

    monkeypatch.setattr(requests.Session, "request", refuse)


@pytest.fixture(scope="session", autouse=True)
def _files_are_taken():
    """A browser takes a file to its end; the test client would leave it open, and its place taken."""
    request = Client.request

    def request_and_take(self, **environ):
        answer = request(self, **environ)
        if isinstance(answer, FileResponse):
            answer.streaming_content = [b"".join(answer.streaming_content)]
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "request", request_and_take)
        yield


@pytest.fixture
def lines():
    """The lines that production would write into its log."""
    with log_lines() as written:
        yield written


def load_demo():
    """Run the command as an operator would, and return what it prints."""
    output = StringIO()
    with override_settings(DEBUG=True):
        call_command("load_demo", stdout=output)
    return output.getvalue()


def put_demo():
    """The same for ``stage``, which wants no output."""
    load_demo()


def models():
    """Every model of the portal, with the tables that Django made in between."""
    return [
        model
        for label in APPS
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    ]


def rows():
    """Everything that the portal has stored, to compare a before with an after."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values()) for model in models()
    }


class Demo:
    """The demo data by its names. Each call reads the row anew."""

    def partner(self, name):
        return Partner.objects.get(name=name)

    def user(self, email):
        return User.objects.get(email=email)

    def customer(self, name):
        return Customer.objects.get(name=name)

    def offer(self, name):
        return Offer.objects.get(name=name)

    def subscription(self, customer, name):
        return Subscription.objects.get(customer__name=customer, friendly_name=name)

    def relationship(self, customer, partner):
        """The active relationship of a partner to a customer."""
        return Relationship.objects.active().get(customer__name=customer, partner__name=partner)

    def partnership(self, provider, reseller):
        """The active partnership of a provider and a reseller."""
        return Partnership.objects.active().get(provider__name=provider, reseller__name=reseller)

    def log(self, **conditions):
        """The activity log from the first entry to the last."""
        return list(ActivityEntry.objects.filter(**conditions).order_by("id"))


@pytest.fixture(scope="session")
def _copies():
    return {}


@pytest.fixture
def stage(db, _copies):
    """``stage(make)``: what the function makes, which is called in the first test that asks for it."""
    return Stage(_copies)


@pytest.fixture
def demo(stage):
    """The demo data, as ``manage.py load_demo`` makes it."""
    stage(put_demo)
    return Demo()


@pytest.fixture
def operator(demo):
    return demo.user(OPERATOR)


@pytest.fixture
def nothing_written(db):
    """A context manager: whatever happens inside leaves every row of the portal as it was."""

    @contextmanager
    def check():
        before = rows()
        yield
        assert rows() == before

    return check


@pytest.fixture
def queue(db, settings):
    """Mail as in production: rows of the queue, which ``manage.py worker`` puts into ``mail.outbox``."""
    settings.EMAIL_BACKEND = portal_settings.EMAIL_BACKEND
    settings.MAIL_SERVER_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return Mail.objects


@pytest.fixture
def admin_client(client, demo):
    """A browser in which the operator is signed in."""
    client.force_login(demo.user(OPERATOR))
    return client


@pytest.fixture
def past(django_db_setup, django_db_blocker, tmp_path):
    """An installation of an earlier version, in a database of its own, to test a migration."""
    with django_db_blocker.unblock(), past_database(tmp_path) as database:
        yield database


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout, for the portal as an operator runs it: see ``tests.deployment``."""
    return copy_checkout(tmp_path_factory.mktemp("production") / "portal")


@pytest.fixture(scope="module")
def new_database(tmp_path_factory, django_db_setup, django_db_blocker):
    """Makes empty databases of the kind that this run tests; returns the DATABASE_URL of each."""
    with django_db_blocker.unblock(), new_databases(tmp_path_factory.mktemp("data")) as create:
        yield create
