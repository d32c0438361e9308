"""R4: the text of a request is drafted, edited and sent with its link."""

import pytest
import time_machine
from django.core import mail

from portal.authority import Refusal
from relationships.forms import DraftForm
from relationships.models import RelationshipRequest
from tests.demo import ALBERS, KRANICH
from tests.relationships.acts import accept, ask, decline, expire, fill_in, refused, withdraw


class TestR4:
    def test_R4_the_draft_is_written_already_in_the_language_of_the_customer(self, demo):
        made = fill_in(demo, language="de").asked()
        assert made.subject == "Kranich Consulting möchte mit Ihrem Unternehmen zusammenarbeiten"
        assert made.text.startswith("Sehr geehrte Damen und Herren bei Reederei Albers,")
        assert "Wir bitten um delegierte Administratorrechte" in made.text
        assert made.text.endswith("Global admin, Kranich Consulting\nKranich Consulting")
        other = {"recipient_email": "new@firm.example", "language": "en", "with_dap": None}
        made = fill_in(demo, **other).asked()
        assert made.subject == "Kranich Consulting asks to work with your company"
        assert "We do not ask for delegated admin privileges." in made.text

    def test_R4_the_text_can_be_edited_and_the_link_stays(self, demo):
        made = ask(demo)
        token = made.token
        made.edit("Our offer", "Dear Jonas,\nlet us help you.", by=demo.user(KRANICH))
        stored = RelationshipRequest.objects.get(pk=made.pk)
        assert (stored.subject, stored.text) == ("Our offer", "Dear Jonas,\nlet us help you.")
        assert stored.token == token
        assert RelationshipRequest.objects.find(token) == made

    def test_R4_the_link_is_no_part_of_the_text_that_can_be_edited(self, demo):
        made = ask(demo)
        assert made.token not in made.text
        assert list(DraftForm(instance=made).fields) == ["subject", "text"]
        made.edit("Our offer", "  Dear Jonas,  ", by=demo.user(KRANICH))
        assert made.message("https://portal.example/x") == (
            "Dear Jonas,\n\nhttps://portal.example/x"
        )

    def test_R4_the_portal_sends_it_with_the_link(self, demo):
        made = ask(demo, subject="Our offer", text="Dear Jonas,")
        link = f"https://portal.example{made.path}"
        with time_machine.travel(made.created_at, tick=False):
            made.send(link, by=demo.user(KRANICH))
        assert RelationshipRequest.objects.get(pk=made.pk).sent_at == made.created_at
        [sent] = mail.outbox
        assert (sent.subject, sent.to) == ("Our offer", [ALBERS])
        assert sent.body == f"Dear Jonas,\n\n{link}"
        [(html, kind)] = sent.alternatives
        assert kind == "text/html"
        assert f'href="{link}"' in html

    @pytest.mark.parametrize("language", ["en", "de"])
    def test_R4_the_mail_says_in_which_language_it_is(self, demo, language):
        made = ask(demo, language=language)
        made.send("https://portal.example/x", by=demo.user(KRANICH))
        [(html, _kind)] = mail.outbox[0].alternatives
        assert f'<html lang="{language}">' in html

    @pytest.mark.parametrize(
        "email",
        [
            "global@nordlicht.example",
            "global@hafen.example",
            "admin@albers.example",
            "operator@portal.example",
        ],
    )
    def test_R4_no_one_else_touches_it(self, demo, email, nothing_written):
        made, by = ask(demo), demo.user(email)
        with nothing_written():
            assert refused(made.edit, "X", "Y", by=by) <= set(Refusal)
            assert refused(made.send, "https://portal.example/x", by=by) <= set(Refusal)
            assert refused(made.renew, by=by) <= set(Refusal)
            assert refused(made.withdraw, by=by) <= set(Refusal)
        assert mail.outbox == []

    def test_R4_a_sales_agent_touches_only_those_without_dap(self, demo, nothing_written):
        sales = demo.user("sales@nordlicht.example")
        made = ask(demo, "global@nordlicht.example", "new@firm.example")
        with nothing_written():
            assert refused(made.edit, "X", "Y", by=sales) <= set(Refusal)
        made = ask(demo, "global@nordlicht.example", "it@firm.example", with_dap=False)
        made.edit("X", "Y", by=sales)
        assert made.text == "Y"

    @pytest.mark.parametrize("kill", [accept, decline, withdraw, expire])
    def test_R4_what_is_dead_is_neither_edited_nor_sent(self, demo, kill, nothing_written):
        made = ask(demo)
        kill(demo, made)
        mail.outbox.clear()
        by = demo.user(KRANICH)
        with nothing_written():
            assert refused(made.edit, "X", "Y", by=by) == {"dead"}
            assert refused(made.send, "https://portal.example/x", by=by) == {"dead"}
        assert mail.outbox == []
