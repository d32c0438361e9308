"""R4, R5: the token of a personal link stands for one request, and cannot be made up."""

from uuid import uuid4

import pytest
from django.core import signing

from relationships.models import RelationshipRequest
from relationships.models.personal_links import read_token
from tests.demo import KRANICH
from tests.relationships.acts import ask


class TestTokens:
    """R4, R5: a link can't be guessed, and dies with what it rests on."""

    def test_it_stands_for_one_request(self, demo):
        made, other = ask(demo), ask(demo, to="new@firm.example")
        assert read_token(made.token) == (made.pk, 1)
        assert RelationshipRequest.objects.find(made.token) == made
        assert made.token != other.token

    @pytest.mark.parametrize("token", ["", "x", "x.y", ".", "\x00", "ü", "a-1.b", "-", "%2e"])
    def test_what_is_none_opens_nothing(self, demo, token):
        ask(demo)
        assert read_token(token) is None
        assert RelationshipRequest.objects.find(token) is None

    def test_tampering_with_any_letter_opens_nothing(self, demo):
        token = ask(demo).token
        for place, letter in enumerate(token):
            changed = token[:place] + ("a" if letter != "a" else "b") + token[place + 1 :]
            assert read_token(changed) is None, place
        for changed in (token[:-1], token + "=", token + "x", token.upper(), f" {token}"):
            assert read_token(changed) is None, changed

    def test_the_key_and_the_number_alone_are_no_link(self, demo):
        made = ask(demo)
        signature = made.token.rpartition(".")[2]
        made.renew(by=demo.user(KRANICH))
        assert read_token(f"{made.pk.hex}-2.{signature}") is None
        assert read_token(f"{made.pk.hex}-2") is None
        assert read_token(made.pk.hex) is None

    @pytest.mark.parametrize(
        "signer",
        [
            signing.Signer(key="another", salt="relationships.RelationshipRequest", sep="."),
            signing.Signer(salt="another", sep="."),
        ],
        ids=["another-SECRET_KEY", "another-purpose"],
    )
    def test_signed_by_another_hand_it_opens_nothing(self, demo, signer):
        made = ask(demo)
        assert read_token(signer.sign(f"{made.pk.hex}-1")) is None

    def test_of_a_request_that_is_not_there_it_opens_nothing(self, db):
        token = RelationshipRequest(pk=uuid4()).token
        assert read_token(token)
        assert RelationshipRequest.objects.find(token) is None
