"""R14: an address counts once mail to it was shown to arrive, and in no other way."""

import re
from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from django.apps import apps
from django.core import mail
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone, translation

from portal.models import Action, ActivityEntry, Membership, ProofMethod, ProvedAddress, User
from portal.permissions import Role
from portal.sign_in.providers import apps_of
from relationships.models import RelationshipRequest, RequestStatus
from tests.demo import ALBERS, GLOBAL, OPERATOR
from tests.factories import MembershipFactory, UserFactory
from tests.pages import Page, sign_in, signed_in

NEW = "barrel-of-apples"


def browser():
    return Client(headers={"accept-language": "en"})


def link():
    """The path of the link in the newest mail."""
    [path] = re.findall(r"https?://[^/\s]+(/accounts/\S+)", mail.outbox[-1].body)
    return path


@pytest.fixture
def eva(demo):
    """An admin of Reederei Albers as an operator made it: with a password, and nothing proved."""
    made = UserFactory(email="eva@albers.example", name="Eva", has_proved=False)
    MembershipFactory(user=made, partner=None, customer=demo.customer("Reederei Albers"))
    return made


@pytest.fixture
def asked(demo):
    """Kranich asks Reederei Albers, at an address of one of its admins."""
    return RelationshipRequest.objects.ask(
        by=demo.user("global@kranich.example"),
        recipient_name="Reederei Albers",
        recipient_email=ALBERS,
        language="en",
    )


class TestWhatProves:
    def test_an_invitation_accepted_by_its_link(self, demo):
        nordlicht = demo.partner("Nordlicht Distribution")
        made = Membership.objects.invite(
            nordlicht,
            email="New@Nordlicht.example",
            name="New",
            roles=[Role.SALES_AGENT],
            by=demo.user(GLOBAL),
        ).user
        assert not made.has_proved()
        browser().post(link(), {"password1": NEW, "password2": NEW})
        assert made.has_proved()
        proof = made.proved_addresses.get()
        assert (proof.email, proof.how) == ("new@nordlicht.example", ProofMethod.INVITATION)

    def test_a_new_password_by_the_link_of_a_mail(self, eva):
        visitor = browser()
        visitor.post("/accounts/password/reset/", {"email": eva.email})
        assert not eva.has_proved()
        form = visitor.get(link(), follow=True)
        assert not eva.has_proved()
        visitor.post(form.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
        assert eva.proved_addresses.get().how == ProofMethod.RESET

    def test_the_button_behind_the_link_of_a_confirmation_mail(self, eva):
        own = signed_in(eva.email)
        own.post("/accounts/address/")
        assert mail.outbox[-1].to == [eva.email]
        page = Page(own.get(link()))
        assert page.heading == "Confirm your email address"
        assert not eva.has_proved()
        assert own.post(link()).url == "/"
        assert eva.proved_addresses.get().how == ProofMethod.CONFIRMATION
        [entry] = ActivityEntry.objects.filter(action=Action.ADDRESS_PROVED, subject_id=eva.pk)
        assert (entry.actor_id is not None, entry.after) == (True, {"email": eva.email})

    def test_another_address_in_whichever_form(self, eva):
        eva.send_confirmation("Info@Müller-Bau.example", following="/support/")
        assert mail.outbox[-1].to == ["info@xn--mller-bau-q9a.example"]
        assert "info@müller-bau.example" in mail.outbox[-1].body
        assert signed_in(eva.email).post(link()).url == "/support/"
        assert eva.has_proved("info@MÜLLER-BAU.example")
        assert not eva.has_proved()

    def test_again_is_newer_and_logged_once(self, eva):
        with time_machine.travel(timezone.now() - timedelta(days=3), tick=False):
            eva.prove(eva.email, how=ProofMethod.RESET)
        eva.prove(eva.email, how=ProofMethod.CONFIRMATION)
        proof = eva.proved_addresses.get()
        assert proof.how == ProofMethod.CONFIRMATION
        assert timezone.now() - proof.at < timedelta(minutes=1)
        assert ActivityEntry.objects.filter(action=Action.ADDRESS_PROVED).count() == 1


class TestWhatProvesNothing:
    def test_a_password_that_an_operator_sets(self, eva, admin_client):
        path = f"/admin/portal/user/{eva.pk}/password/"
        admin_client.post(path, {"password1": NEW, "password2": NEW, "usable_password": "true"})
        eva.refresh_from_db()
        assert eva.check_password(NEW)
        assert not eva.has_proved()

    def test_a_password_that_its_owner_changes(self, eva):
        own = browser()
        sign_in(own, eva.email)
        data = {"oldpassword": "demo-portal", "password1": NEW, "password2": NEW}
        own.post("/accounts/password/change/", data)
        eva.refresh_from_db()
        assert eva.check_password(NEW)
        assert not eva.has_proved()

    def test_an_address_that_was_only_invited(self, demo):
        albers = demo.user(ALBERS)
        Membership.objects.invite(
            albers.organisation,
            email="it@victim.example",
            name="Nobody",
            roles=[Role.CUSTOMER_ADMIN],
            by=albers,
        )
        assert User.objects.who_proved("it@victim.example") is None

    def test_the_proof_of_another_address(self, demo):
        eva = demo.user(ALBERS)
        eva.email = "other@albers.example"
        eva.save()
        assert not eva.has_proved()
        assert eva.has_proved(ALBERS)
        assert User.objects.who_proved(ALBERS) == eva


class TestTheLink:
    def test_another_account_is_told_and_can_switch(self, eva, demo):
        eva.send_confirmation(eva.email)
        other = signed_in(ALBERS)
        for answer in (other.get(link()), other.post(link())):
            assert answer.status_code == 403
            assert "You are signed in as admin@albers.example." in Page(answer).text
        assert not ProvedAddress.objects.filter(email=eva.email).exists()

    def test_who_is_not_signed_in_signs_in_first(self, eva):
        eva.send_confirmation(eva.email)
        answer = browser().get(link())
        assert answer.url == f"/accounts/login/?next={link()}"

    def test_it_works_for_a_week(self, eva):
        eva.send_confirmation(eva.email)
        with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
            answer = signed_in(eva.email).post(link())
        assert answer.status_code == 410
        assert "This link has expired." in Page(answer).text
        assert not eva.has_proved()

    @pytest.mark.parametrize("token", ["x", "W10.x.y", "ü"])
    def test_one_that_the_portal_did_not_make_is_not_there(self, eva, token):
        own = signed_in(eva.email)
        assert own.get(f"/accounts/address/{token}/").status_code == 404
        assert own.post(f"/accounts/address/{token}/").status_code == 404

    def test_that_of_another_purpose_neither(self, eva):
        eva.invited_at = timezone.now()
        token = eva.invitation_path.split("/")[-2]
        assert signed_in(eva.email).get(f"/accounts/address/{token}/").status_code == 404

    def test_three_mails_an_hour_go_to_one_address(self, eva):
        own = signed_in(eva.email)
        for _each in range(4):
            answer = own.post("/accounts/address/", follow=True)
        assert len(mail.outbox) == 3
        assert "3 mails went to eva@albers.example within the last hour." in answer.content.decode()
        with pytest.raises(ValidationError) as refusal:
            eva.send_confirmation("EVA@albers.example")
        assert refusal.value.code == "too_many"
        eva.send_confirmation("info@albers.example")
        assert len(mail.outbox) == 4

    @pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example", "javascript:x"])
    def test_it_leads_on_within_the_portal_only(self, eva, away):
        own = signed_in(eva.email)
        assert own.post("/accounts/address/", {"next": away}).url == "/accounts/address/"
        page = Page(own.get("/accounts/address/", {"next": away}))
        assert [one.get("href") for one in page.find("a[@class='btn btn-link']")] == ["/"]


class TestAsking:
    def test_who_has_not_proved_its_email_is_asked_once(self, eva):
        visitor = browser()
        assert sign_in(visitor, eva.email).url == "/accounts/address/?next=%2F"
        page = Page(visitor.get("/accounts/address/?next=%2Fsupport%2F"))
        assert page.heading == "Your email address"
        assert "Send the confirmation mail to eva@albers.example" in page.text
        assert [one.get("href") for one in page.find("a[@class='btn btn-link']")] == ["/support/"]
        assert sign_in(browser(), eva.email).url == "/"

    def test_again_when_an_operator_changed_the_email(self, eva):
        sign_in(browser(), eva.email)
        eva.refresh_from_db()
        eva.email = "eva.neu@albers.example"
        eva.save()
        assert sign_in(browser(), eva.email).url.startswith("/accounts/address/")

    @pytest.mark.parametrize("email", [ALBERS, GLOBAL])
    def test_who_has_is_not(self, demo, email):
        assert sign_in(browser(), email).url == "/"

    def test_an_operator_has_nothing_to_answer(self, db):
        operator = UserFactory(is_staff=True, has_proved=False)
        assert sign_in(browser(), operator.email).url == "/"

    def test_the_profile_says_what_is_proved(self, eva, demo):
        assert (
            "eva@albers.example (not confirmed yet)"
            in Page(signed_in(eva.email).get("/settings/profile/")).text
        )
        assert "(confirmed)" in Page(signed_in(ALBERS).get("/settings/profile/")).text

    def test_page_and_mail_speak_german(self, eva):
        User.objects.filter(pk=eva.pk).update(language="de")
        own = browser()
        own.force_login(User.objects.get(pk=eva.pk))
        page = Page(own.get("/accounts/address/"))
        assert page.heading == "Ihre E-Mail-Adresse"
        own.post("/accounts/address/")
        assert mail.outbox[-1].subject == "Bestätigen Sie Ihre E-Mail-Adresse für das Partnerportal"


class TestAnswering:
    def test_nothing_is_accepted_or_declined_until_then(self, asked, eva):
        for answer in (
            lambda: asked.accept(by=eva, agrees=True),
            lambda: asked.decline(by=eva, reason="no"),
        ):
            with pytest.raises(ValidationError) as refusal:
                answer()
            assert refusal.value.code == "unproved"
        asked.refresh_from_db()
        assert asked.status == RequestStatus.OPEN

    def test_the_page_says_so_with_the_button_and_leads_back(self, asked, eva):
        own = signed_in(eva.email)
        page = Page(own.get(f"/invitations/{asked.token}/"))
        assert "Confirm your email address first" in page.text
        assert "Decline" not in page.text
        back = page.hidden("next")
        assert own.post("/accounts/address/", {"next": back}).url == back
        answer = own.post(link())
        assert answer.url == f"/invitations/{asked.token}/"
        assert "Decline" in Page(own.get(answer.url)).text

    def test_what_is_posted_by_hand_is_refused_with_the_reason(self, asked, eva):
        own = signed_in(eva.email)
        answer = own.post(f"/invitations/{asked.token}/decline/", {"reason": "no"}, follow=True)
        assert "Confirm your email address first: the portal mails you a link." in Page(answer).text

    def test_afterwards_it_is(self, asked, eva):
        eva.prove(eva.email, how=ProofMethod.CONFIRMATION)
        asked.decline(by=eva, reason="no")
        assert asked.status == RequestStatus.DECLINED


class TestWhoProved:
    def test_the_latest_proof_counts(self, demo):
        first, second = demo.user(ALBERS), demo.user("admin@petersen.example")
        for user, days in ((first, 2), (second, 1)):
            with time_machine.travel(timezone.now() - timedelta(days=days)):
                user.prove("info@shared.example", how=ProofMethod.CONFIRMATION)
        assert User.objects.who_proved("INFO@shared.example.") == second
        first.prove("info@shared.example", how=ProofMethod.CONFIRMATION)
        assert User.objects.who_proved("info@shared.example") == first

    def test_who_was_deactivated_counts_no_more(self, demo):
        admin = demo.user(ALBERS)
        admin.prove("info@albers.example", how=ProofMethod.CONFIRMATION)
        User.objects.filter(pk=admin.pk).update(is_active=False)
        assert User.objects.who_proved("info@albers.example") is None

    def test_nobody_proved_what_is_no_address(self, demo):
        assert User.objects.who_proved("x") is None


def test_demo_and_sample_people_are_proved(demo):
    assert all(user.has_proved() for user in User.objects.all())
    assert set(ProvedAddress.objects.values_list("how", flat=True)) == {ProofMethod.DEMO}


class TestTheUpdate:
    """Of the accounts of before, who accepted an invitation has certainly had a mail; others may not."""

    @pytest.fixture
    def before(self, demo):
        def user(name):
            made = UserFactory(email=f"{name}@albers.example", has_proved=False)
            MembershipFactory(user=made, partner=None, customer=demo.customer("Reederei Albers"))
            return made

        self.joined, self.reset, self.renamed, self.added = map(
            user, ("joined", "reset", "renamed", "added")
        )
        self.joined.record(Action.USER_JOINED, by=self.joined)
        self.reset.record(Action.PASSWORD_CHANGED, by=self.reset)
        self.renamed.record(Action.USER_JOINED, by=self.renamed)
        operator = demo.user(OPERATOR)
        change = {"before": {"email": "old@albers.example"}, "after": {"email": self.renamed.email}}
        self.renamed.record(Action.USER_CHANGED, by=operator, **change)
        self.joined.record(
            Action.USER_CHANGED, by=operator, before={"name": "J"}, after={"name": ""}
        )
        ProvedAddress.objects.all().delete()

    def test_only_who_accepted_an_invitation_counts_as_proved(self, before):
        migration = import_module("portal.migrations.0014_proved_addresses")

        class Editor:
            @staticmethod
            def execute(sql):
                with connection.cursor() as cursor:
                    cursor.execute(sql)

        migration.count_as_proved(apps, Editor)
        [proof] = ProvedAddress.objects.all()
        assert (proof.user, proof.email) == (self.joined, "joined@albers.example")
        assert proof.how == ProofMethod.INVITATION
        assert (
            proof.at
            == ActivityEntry.objects.get(action=Action.USER_JOINED, subject_id=self.joined.pk).at
        )


PROVIDER = {
    "id": "contoso",
    "name": "Contoso",
    "server_url": "https://login.contoso.example",
    "client_id": "portal",
    "client_secret": "secret",
}


@pytest.mark.parametrize("domains", ["contoso.example", [1], ["contoso"], {"a": "b"}])
def test_the_domains_that_a_provider_is_trusted_for_are_a_list_of_domains(domains):
    with pytest.raises(ImproperlyConfigured, match="“trusted_domains” of provider"):
        apps_of([{**PROVIDER, "trusted_domains": domains}])


def test_they_are_kept_in_normal_form():
    [app] = apps_of([{**PROVIDER, "trusted_domains": ["Müller-Bau.example"]}])
    assert app["settings"]["trusted_domains"] == ["xn--mller-bau-q9a.example"]
    [app] = apps_of([PROVIDER])
    assert app["settings"]["trusted_domains"] == []


def test_operators_read_them_in_admin(demo, admin_client):
    page = admin_client.get("/admin/portal/provedaddress/", {"q": ALBERS}).content.decode()
    assert ALBERS in page


def test_the_method_has_words_in_german():
    with translation.override("de"):
        assert str(ProofMethod.INVITATION.label).startswith("eine Einladung")
