"""R10: the provider invites, the reseller's Global admin authorizes."""

import pytest
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client

from portal.authority import PORTAL, NotAllowed, Refusal
from portal.models import Action, ActivityEntry, Membership, ProofMethod, User
from portal.permissions import Role
from relationships.forms import AuthorizeForm, InviteResellerForm
from relationships.models import Partnership, RelationshipRequest, RequestKind, RequestStatus
from tests.factories import MembershipFactory, PartnerFactory
from tests.pages import Page, signed_in

SUEDWIND = "global@suedwind.example"
HAFEN = "global@hafen.example"


def invite(demo, email=SUEDWIND, to=HAFEN, **fields):
    return RelationshipRequest.objects.ask(
        by=demo.user(email),
        kind=RequestKind.RESELLER,
        **{
            "recipient_name": "Hafen IT",
            "recipient_email": to,
            "language": "de",
            "with_dap": False,
            **fields,
        },
    )


def authorize(demo, made, email=HAFEN):
    found = RelationshipRequest.objects.find(made.token)
    found.accept(by=demo.user(email))
    return found


def refused(act, *args, **kwargs):
    with pytest.raises(ValidationError) as refusal:
        act(*args, **kwargs)
    by_field = refusal.value.update_error_dict({})
    return {
        error.code for errors in by_field.values() for error in ValidationError(errors).error_list
    }


class TestR10:
    def test_R10_the_partnership_starts_when_the_reseller_authorizes_it(self, demo):
        made = invite(demo)
        assert made.reseller == demo.partner("Hafen IT")
        between = Partnership.objects.between(
            demo.partner("Südwind Cloud"), demo.partner("Hafen IT")
        )
        assert not between.exists()
        answered = authorize(demo, made)
        assert between.exists()
        assert (answered.state, answered.answered_by.email) == (RequestStatus.ACCEPTED, HAFEN)

    def test_R10_then_each_is_in_the_others_list(self, demo):
        authorize(demo, invite(demo))
        for email in (SUEDWIND, HAFEN):
            found = Partnership.objects.active().visible_to(demo.user(email).membership)
            assert "Südwind Cloud – Hafen IT" in {str(partnership) for partnership in found}

    def test_R10_the_log_tells_both(self, demo):
        authorize(demo, invite(demo))
        for email in (SUEDWIND, HAFEN):
            seen = ActivityEntry.objects.visible_to(demo.user(email).membership)
            newest = list(seen.order_by("id"))[-2:]
            assert [(one.action, one.actor.email) for one in newest] == [
                (Action.PARTNERSHIP_STARTED, HAFEN),
                (Action.REQUEST_ACCEPTED, HAFEN),
            ]

    @pytest.mark.parametrize(
        ("email", "may"),
        [
            ("global@nordlicht.example", True),
            ("agent@nordlicht.example", True),
            ("sales@nordlicht.example", True),
            ("helpdesk@nordlicht.example", False),
            ("users@nordlicht.example", False),
        ],
    )
    def test_R10_who_may_invite(self, demo, email, may, nothing_written):
        if may:
            assert invite(demo, email, "global@moewe.example").is_open
        else:
            with nothing_written():
                assert refused(invite, demo, email, "global@moewe.example") <= set(Refusal)

    @pytest.mark.parametrize("email", [HAFEN, "global@brandt.example"])
    def test_R10_only_an_indirect_provider_invites(self, demo, email, nothing_written):
        with nothing_written():
            assert refused(invite, demo, email, "global@moewe.example") == {"type"}

    def test_R10_whoever_it_works_with_already_is_not_invited(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            invite(demo, "global@nordlicht.example")
        assert refusal.value.messages == ["You already have a partnership with Hafen IT."]

    @pytest.mark.parametrize(
        "email",
        [
            "global@suedwind.example",
            "global@nordlicht.example",
            "global@brandt.example",
            "global@moewe.example",
            "global@elbe.example",
            "admin@albers.example",
            "operator@portal.example",
        ],
    )
    def test_R10_only_the_reseller_whose_address_it_is_answers(self, demo, email, nothing_written):
        made = invite(demo)
        found = RelationshipRequest.objects.find(made.token)
        assert not found.may_be_answered_by(demo.user(email))
        with nothing_written():
            assert refused(found.accept, by=demo.user(email)) <= set(Refusal)
            assert refused(found.decline, by=demo.user(email), reason="No") <= set(Refusal)

    @pytest.mark.parametrize("role", sorted(set(Role) - {Role.GLOBAL_ADMIN, Role.CUSTOMER_ADMIN}))
    def test_R10_only_its_Global_admin(self, demo, role, nothing_written):
        made = invite(demo)
        colleague = MembershipFactory(partner=demo.partner("Hafen IT"), roles=[role]).user
        with nothing_written():
            assert refused(authorize, demo, made, colleague.email) <= set(Refusal)

    def test_R14_the_address_of_a_colleague_is_none_of_its_admins(self, demo, nothing_written):
        sales = MembershipFactory(
            partner=demo.partner("Hafen IT"),
            roles=[Role.SALES_AGENT],
            user__email="sales@hafen.example",
        ).user
        sales.prove(sales.email, how=ProofMethod.CONFIRMATION)
        made = invite(demo, to="Sales@Hafen.example")
        assert made.reseller is None
        with nothing_written():
            assert refused(authorize, demo, made) == {Refusal.RECIPIENT}

    def test_R14_it_is_for_whose_global_admin_proves_the_address(self, demo, nothing_written):
        made = invite(demo, to="info@hafen.example")
        for email in (HAFEN, "global@brandt.example"):
            with nothing_written():
                assert refused(authorize, demo, made, email) == {Refusal.RECIPIENT}
        demo.user(HAFEN).prove("info@hafen.example", how=ProofMethod.CONFIRMATION)
        assert authorize(demo, made).reseller == demo.partner("Hafen IT")

    def test_R14_a_customers_admin_who_proves_it_does_not_bind_it(self, demo):
        demo.user("admin@albers.example").prove("info@hafen.example", how=ProofMethod.CONFIRMATION)
        assert invite(demo, to="info@hafen.example").reseller is None

    def test_R10_declined_nothing_starts_and_the_provider_is_told_why(self, demo):
        made = invite(demo)
        RelationshipRequest.objects.find(made.token).decline(by=demo.user(HAFEN), reason="Not now.")
        assert not Partnership.objects.filter(
            provider__name="Südwind Cloud", reseller__name="Hafen IT"
        ).exists()
        [sent] = mail.outbox
        assert (sent.to, sent.subject) == ([SUEDWIND], "Hafen IT hat Ihre Anfrage abgelehnt")
        assert "Grund: Not now." in sent.body

    def test_R10_accepted_the_provider_is_told(self, demo):
        authorize(demo, invite(demo))
        [sent] = mail.outbox
        assert (sent.to, sent.subject) == ([SUEDWIND], "Hafen IT hat Ihre Anfrage angenommen")
        assert "https://portal.example/relationships/resellers/" in sent.body

    def test_R10_it_works_once(self, demo, nothing_written):
        made = invite(demo)
        authorize(demo, made)
        with nothing_written():
            assert refused(authorize, demo, made) == {"dead"}

    def test_R10_two_invitations_end_in_one_partnership(self, demo, nothing_written):
        demo.user(HAFEN).prove("it@hafen.example", how=ProofMethod.CONFIRMATION)
        first, second = invite(demo), invite(demo, to="it@hafen.example")
        authorize(demo, first)
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            authorize(demo, second)
        assert refusal.value.messages == ["These two partners work together already."]

    def test_R10_after_its_end_they_find_together_again(self, demo):
        authorize(demo, invite(demo))
        demo.partnership("Südwind Cloud", "Hafen IT").end(by=demo.user(HAFEN))
        authorize(demo, invite(demo))
        demo.partnership("Südwind Cloud", "Hafen IT")

    @pytest.mark.parametrize(
        ("language", "heading", "mailed"),
        [
            (
                "en",
                "If your company is not in the portal yet",
                "If your company is not in the portal yet, the page behind the link says how it gets there.",
            ),
            (
                "de",
                "Wenn Ihr Unternehmen noch nicht im Portal ist",
                "Wenn Ihr Unternehmen noch nicht im Portal ist, sagt die Seite hinter dem Link,",
            ),
        ],
    )
    def test_R10_R14_who_is_not_in_the_portal_reads_how_to_get_there_as_who_is(
        self, demo, language, heading, mailed
    ):
        """Known and unknown read the same: nobody learns by it who is in the portal."""
        drafts, pages = [], []
        for name, address in (("Hafen IT", HAFEN), ("Neue Werft", "boss@werft.example")):
            data = {"recipient_name": name, "recipient_email": address, "language": language}
            form = InviteResellerForm(data, user=demo.user(SUEDWIND))
            assert form.is_valid()
            made = form.asked()
            drafts.append(made.text.replace(name, "FIRM"))
            page = Page(Client(headers={"accept-language": language}).get(made.path))
            pages.append((page.heading, page.text))
            assert heading in page.all_text("h2")
            # A customer of the portal who got hold of the link reads it too.
            strayed = signed_in("admin@albers.example", **{"accept-language": language})
            assert heading in Page(strayed.get(made.path)).all_text("h2")
        assert drafts[0] == drafts[1]
        assert mailed in drafts[0]
        assert pages[0] == pages[1]
        assert "Südwind Cloud" in pages[0][1]
        known = signed_in(HAFEN, **{"accept-language": language})
        [to_hafen] = RelationshipRequest.objects.filter(recipient_email=HAFEN)
        assert heading not in Page(known.get(to_hafen.path)).all_text("h2")

    def test_R10_once_the_operator_has_added_it_the_same_link_is_answered(self, demo):
        made = invite(demo, to="boss@werft.example")
        werft = PartnerFactory(name="Werft IT", reseller=True, country="AT")
        operator = demo.user("operator@portal.example")
        boss = Membership.objects.invite_first_admin(
            werft, email="boss@werft.example", name="Bo", by=operator
        ).user
        with pytest.raises(NotAllowed):
            authorize(demo, made, boss.email)
        found = User.objects.find_invited(boss.invitation_path.split("/")[-2])
        found.accept_invitation("a-quiet-harbour-41")
        assert authorize(demo, made, boss.email).reseller == werft
        assert Partnership.objects.between(made.partner, werft).exists()

    def test_R11_across_regions_nothing_can_be_authorized(self, demo, nothing_written):
        """T1: the provider isn't told beforehand who has the address."""
        made = invite(demo, to="global@pacific.example")
        with nothing_written():
            assert refused(authorize, demo, made, "global@pacific.example") == {"R11"}
        assert RelationshipRequest.objects.find(made.token).is_open

    def test_T1_an_address_that_is_no_resellers_looks_the_same(self, demo):
        for to in ("admin@albers.example", "global@brandt.example", "nobody@firm.example"):
            assert invite(demo, to=to).is_open

    def test_R12_an_invitation_names_no_second_provider(self, demo, nothing_written):
        with nothing_written(), pytest.raises(ValidationError) as refusal:
            invite(demo, provider=demo.partner("Nordlicht Distribution"))
        assert list(refusal.value.message_dict) == ["provider"]

    def test_R10_a_provider_that_was_deactivated_invites_nobody_any_more(
        self, demo, nothing_written
    ):
        made = invite(demo)
        demo.partner("Südwind Cloud").deactivate(by=PORTAL)
        with nothing_written():
            assert refused(authorize, demo, made) == {"dead"}

    def test_R10_a_reseller_that_was_deactivated_authorizes_nothing(self, demo, nothing_written):
        made = invite(demo)
        demo.partner("Hafen IT").deactivate(by=PORTAL)
        with nothing_written():
            assert refused(authorize, demo, made) <= set(Refusal)


class TestTheDoors:
    """Who may start and end a partnership, whatever calls it."""

    @pytest.mark.parametrize(
        ("email", "may"),
        [
            (HAFEN, True),
            ("operator@portal.example", True),
            (SUEDWIND, False),
            ("global@moewe.example", False),
            ("admin@albers.example", False),
        ],
    )
    def test_R10_starting_needs_the_reseller(self, demo, email, may, nothing_written):
        def start():
            return Partnership.objects.start(
                demo.partner("Südwind Cloud"), demo.partner("Hafen IT"), by=demo.user(email)
            )

        if may:
            assert start().ended_at is None
        else:
            with nothing_written():
                assert refused(start) <= set(Refusal)

    @pytest.mark.parametrize(
        ("email", "may"),
        [
            (HAFEN, True),
            ("global@nordlicht.example", True),
            ("operator@portal.example", True),
            ("agent@nordlicht.example", False),
            ("helpdesk@nordlicht.example", False),
            (SUEDWIND, False),
            ("global@elbe.example", False),
            ("admin@albers.example", False),
        ],
    )
    def test_R10_either_side_may_end_it(self, demo, email, may, nothing_written):
        partnership = demo.partnership("Nordlicht Distribution", "Hafen IT")
        if may:
            partnership.end(by=demo.user(email))
            assert partnership.ended_at is not None
        else:
            with nothing_written():
                assert refused(partnership.end, by=demo.user(email)) <= set(Refusal)


class TestForms:
    def test_the_draft_speaks_the_language_of_the_reseller(self, demo):
        form = InviteResellerForm(
            {"recipient_name": "Hafen IT", "recipient_email": HAFEN, "language": "de"},
            user=demo.user(SUEDWIND),
        )
        assert form.is_valid(), form.errors
        made = form.asked()
        assert (made.kind, made.with_dap) == (RequestKind.RESELLER, False)
        assert made.subject == "Südwind Cloud lädt Sie zu einer Partnerschaft ein"
        assert made.text.startswith("Sehr geehrte Damen und Herren bei Hafen IT,")

    def test_a_refusal_stands_on_the_form(self, demo, nothing_written):
        form = InviteResellerForm(
            {"recipient_name": "Hafen IT", "recipient_email": HAFEN, "language": "de"},
            user=demo.user("global@nordlicht.example"),
        )
        assert form.is_valid()
        with nothing_written():
            assert form.asked() is None
        assert form.errors == {"__all__": ["You already have a partnership with Hafen IT."]}

    def test_R10_the_box_must_be_ticked(self):
        assert AuthorizeForm({}).errors == {"agrees": ["Tick the box to authorize."]}
        assert AuthorizeForm({"agrees": "on"}).is_valid()


def test_the_language_is_that_of_the_partners_country_at_first(demo):
    assert InviteResellerForm(user=demo.user(SUEDWIND))["language"].value() == "de"
    american = MembershipFactory(partner=PartnerFactory(country="US")).user
    assert InviteResellerForm(user=american)["language"].value() == "en"
