"""Django admin: partners are added, changed and deactivated, and the log tells it."""

import pytest

from portal.models import Action, Partner
from tests.admin import NEULAND, act, add, change, errors, refusals


class TestPartners:
    DETAILS = NEULAND

    def test_adding_one_is_logged(self, admin_client, operator, demo):
        assert add(admin_client, Partner, **self.DETAILS).status_code == 302
        partner = demo.partner("Neuland IT")
        assert (partner.get_type_display(), partner.support_languages) == (
            "Indirect reseller",
            ["de", "en"],
        )
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.subject) == (
            Action.PARTNER_ADDED,
            operator,
            "Neuland IT",
        )
        assert entry.after["support_phone"] == "+49405550999"

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("mpn_id", "12", "An MPN ID has 4 to 10 digits."),
            ("mpn_id", "5200100", "Another partner has this MPN ID."),
            (
                "support_phone",
                "+49 40 5550999/98",
                "These are several numbers. Enter one number a field.",
            ),
            ("support_phone", "", "This field is required."),
            ("support_email", "", "This field is required."),
            ("support_email", "support", "Enter a valid email address."),
            (
                "type",
                "vendor",
                "Select a valid choice. vendor is not one of the available choices.",
            ),
            ("country", "ZZ", "Select a valid choice. ZZ is not one of the available choices."),
            (
                "support_languages",
                ["xx"],
                "Select a valid choice. xx is not one of the available choices.",
            ),
            (
                "support_website",
                "ftp://firm.example",
                "Enter a web address that begins with http:// or https://.",
            ),
            (
                "support_website",
                "https://user:pw@firm.example/",
                "Leave out the user name and password: everybody could read them.",
            ),
            ("name", "", "This field is required."),
            ("name", "\x00", "Null characters are not allowed."),
            (
                "name",
                "x" * 201,
                "Ensure this value has at most 200 characters (it has 201).",
            ),
        ],
    )
    def test_a_bad_detail_is_an_error_at_its_field(
        self, admin_client, field, value, message, nothing_written
    ):
        with nothing_written():
            answer = add(admin_client, Partner, **{**self.DETAILS, field: value})
        assert errors(answer) == {field: [message]}

    def test_changing_one_is_logged_with_before_and_after(self, admin_client, operator, demo):
        hafen = demo.partner("Hafen IT")
        answer = change(admin_client, hafen, support_phone="+49 40 5550444", country="AT")
        assert answer.status_code == 302
        entry = demo.log()[-1]
        assert (entry.action, entry.person, entry.subject) == (
            Action.PARTNER_CHANGED,
            operator,
            "Hafen IT",
        )
        assert entry.before == {"support_phone": "+49405550400", "country": "DE"}
        assert entry.after == {"support_phone": "+49405550444", "country": "AT"}

    def test_saving_without_a_change_logs_nothing(self, admin_client, demo, nothing_written):
        with nothing_written():
            assert change(admin_client, demo.partner("Hafen IT")).status_code == 302

    def test_the_type_stays(self, admin_client, demo):
        assert change(admin_client, demo.partner("Hafen IT"), type="provider").status_code == 302
        assert demo.partner("Hafen IT").is_reseller

    def test_deactivating_and_reactivating_from_the_list(self, admin_client, operator, demo):
        office = demo.subscription("Reederei Albers", "Office 365 Business Standard")
        office.designate(demo.partner("Hafen IT"), by=demo.user("helpdesk@nordlicht.example"))
        answer = act(admin_client, Partner, "deactivate", demo.partner("Hafen IT"))
        assert refusals(answer) == ["Hafen IT was deactivated."]
        assert not demo.partner("Hafen IT").is_active
        office.refresh_from_db()
        assert office.support_contact.name == "Nordlicht Distribution"
        assert demo.log()[-1].person == operator
        act(admin_client, Partner, "reactivate", demo.partner("Hafen IT"))
        assert demo.partner("Hafen IT").is_active
