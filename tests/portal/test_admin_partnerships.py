"""R10 in Django admin: partnerships begin and end."""

import pytest

from portal.models import Action
from relationships.models import Partnership
from tests.admin import act, add, errors, refusals


class TestPartnerships:
    def test_adding_one_is_logged(self, admin_client, operator, demo):
        answer = add(
            admin_client,
            Partnership,
            provider=demo.partner("Südwind Cloud").pk,
            reseller=demo.partner("Hafen IT").pk,
        )
        assert answer.status_code == 302
        demo.partnership("Südwind Cloud", "Hafen IT")
        entry = demo.log()[-1]
        assert (entry.action, entry.person) == (Action.PARTNERSHIP_STARTED, operator)

    @pytest.mark.parametrize(
        ("provider", "reseller", "expected"),
        [
            (
                "Nordlicht Distribution",
                "Hafen IT",
                {"__all__": ["These two partners work together already."]},
            ),
            (
                "Brandt Direkt",
                "Hafen IT",
                {"provider": ["Brandt Direkt is not an indirect provider."]},
            ),
            (
                "Nordlicht Distribution",
                "Südwind Cloud",
                {"reseller": ["Südwind Cloud is not an indirect reseller."]},
            ),
        ],
    )
    def test_a_wrong_one_is_refused(
        self, admin_client, demo, provider, reseller, expected, nothing_written
    ):
        with nothing_written():
            answer = add(
                admin_client,
                Partnership,
                provider=demo.partner(provider).pk,
                reseller=demo.partner(reseller).pk,
            )
        assert errors(answer) == expected

    def test_one_end_left_out_is_an_error_at_its_field(self, admin_client, demo, nothing_written):
        with nothing_written():
            answer = add(admin_client, Partnership, provider=demo.partner("Hafen IT").pk)
        assert errors(answer)["reseller"] == ["This field is required."]

    def test_ending_one_from_the_list(self, admin_client, operator, demo):
        partnership = demo.partnership("Nordlicht Distribution", "Hafen IT")
        answer = act(admin_client, Partnership, "end", partnership)
        assert refusals(answer) == ["Nordlicht Distribution – Hafen IT was ended."]
        partnership.refresh_from_db()
        assert partnership.ended_at is not None
        assert demo.log()[-1].person == operator
