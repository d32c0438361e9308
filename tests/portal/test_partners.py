"""Partners: their details, and what deactivating one does."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import override

from portal.authority import PORTAL
from portal.models import Action, Partner, PartnerType
from tests.factories import PartnerFactory


def errors(**fields):
    with pytest.raises(ValidationError) as refusal:
        PartnerFactory.build(**fields).full_clean()
    return refusal.value.message_dict


class TestSupportDetails:
    def test_its_phone_is_one_of_its_country(self, db):
        partner = PartnerFactory.build(country="IT", support_phone="06 698 12345")
        partner.full_clean()
        assert partner.support_phone == "+390669812345"

    @pytest.mark.parametrize("country", ["DE", "AT"])
    def test_a_phone_saved_without_a_form_is_kept_in_the_one_form(self, db, country):
        partner = PartnerFactory(country=country, support_phone="+49 (0)40 1234-56")
        assert partner.support_phone == "+4940123456"
        partner.refresh_from_db()
        assert partner.support_phone == "+4940123456"

    def test_two_numbers_are_refused_at_the_field(self, db):
        assert errors(support_phone="+49 40 123456/57") == {
            "support_phone": ["These are several numbers. Enter one number a field."]
        }

    @pytest.mark.parametrize("field", ["support_email", "support_phone"])
    def test_email_and_phone_are_required(self, db, field):
        assert errors(**{field: ""})[field] == ["This field cannot be blank."]

    @pytest.mark.parametrize("field", ["support_email", "support_phone"])
    def test_the_database_requires_them_too(self, db, field):
        partner = PartnerFactory()
        with pytest.raises(IntegrityError), transaction.atomic():
            Partner.objects.filter(pk=partner.pk).update(**{field: ""})

    def test_languages_are_named_in_the_readers_language(self, demo):
        hafen = demo.partner("Hafen IT")
        assert hafen.support_language_names == ["German", "English", "Danish"]
        with override("de"):
            assert hafen.support_language_names == ["Deutsch", "Englisch", "Dänisch"]

    @pytest.mark.parametrize("languages", [["xx"], "de", [1], [None]])
    def test_what_is_no_language_is_refused(self, db, languages):
        assert errors(support_languages=languages) == {
            "support_languages": ["Enter language codes, such as de or en."]
        }


class TestNumbersAndTypes:
    @pytest.mark.parametrize("number", ["123", "12345678901", "12a4", " 1234", "١٢٣٤", "1234\n"])
    def test_an_mpn_id_has_4_to_10_digits(self, db, number):
        assert "An MPN ID has 4 to 10 digits." in errors(mpn_id=number)["mpn_id"]

    def test_an_mpn_id_belongs_to_one_partner(self, demo):
        assert errors(mpn_id=demo.partner("Hafen IT").mpn_id) == {
            "mpn_id": ["Another partner has this MPN ID."]
        }

    def test_the_database_refuses_a_type_that_does_not_exist(self, db):
        partner = PartnerFactory()
        with pytest.raises(IntegrityError), transaction.atomic():
            Partner.objects.filter(pk=partner.pk).update(type="vendor")

    @pytest.mark.parametrize(
        ("type_", "is_provider", "is_reseller", "may_sell"),
        [
            (PartnerType.INDIRECT_PROVIDER, True, False, True),
            (PartnerType.INDIRECT_RESELLER, False, True, False),
            (PartnerType.DIRECT_BILL, False, False, True),
        ],
    )
    def test_who_sells(self, type_, is_provider, is_reseller, may_sell):
        partner = PartnerFactory.build(type=type_)
        assert (partner.is_provider, partner.is_reseller, partner.may_sell) == (
            is_provider,
            is_reseller,
            may_sell,
        )


class TestDeactivating:
    def test_it_and_the_way_back_are_logged(self, demo):
        by = demo.user("operator@portal.example")
        hafen = demo.partner("Hafen IT")
        hafen.deactivate(by=by)
        assert not hafen.is_active
        assert demo.partner("Hafen IT") not in Partner.objects.active()
        hafen.reactivate(by=by)
        assert demo.partner("Hafen IT") in Partner.objects.active()
        out, back = demo.log()[-2:]
        assert [out.action, back.action] == [
            Action.PARTNER_DEACTIVATED,
            Action.PARTNER_REACTIVATED,
        ]
        for entry in (out, back):
            assert (entry.person, entry.subject) == (by, "Hafen IT")
            assert [one.name for one in entry.partners.all()] == ["Hafen IT"]

    def test_doing_it_again_writes_nothing(self, demo, nothing_written):
        stale = demo.partner("Hafen IT")
        demo.partner("Hafen IT").deactivate(by=PORTAL)
        with nothing_written():
            stale.deactivate(by=PORTAL)
        stale = demo.partner("Hafen IT")
        demo.partner("Hafen IT").reactivate(by=PORTAL)
        with nothing_written():
            stale.reactivate(by=PORTAL)

    def test_relationships_and_partnerships_stay_readable(self, demo):
        demo.partner("Hafen IT").deactivate(by=PORTAL)
        assert demo.relationship("Reederei Albers", "Hafen IT").has_dap
        demo.partnership("Nordlicht Distribution", "Hafen IT")

    def test_what_a_deactivated_seller_sold_stays_with_it(self, demo):
        """There is nobody else to give it to."""
        demo.partner("Nordlicht Distribution").deactivate(by=PORTAL)
        office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
        assert office.support_contact.name == "Nordlicht Distribution"
