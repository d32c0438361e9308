"""What is mailed about an answer, and to whom."""

import pytest
from django.core import mail

from portal.authority import PORTAL
from tests.demo import KRANICH
from tests.relationships.acts import accept, ask, decline


class TestMail:
    """Whoever asked is told the answer, in its own language."""

    @pytest.mark.parametrize(
        ("language", "subject"),
        [
            ("en", "Reederei Albers accepted your request"),
            ("de", "Reederei Albers hat Ihre Anfrage angenommen"),
            ("", "Reederei Albers hat Ihre Anfrage angenommen"),
        ],
    )
    def test_accepted(self, demo, language, subject):
        made = ask(demo)
        type(made.created_by).objects.filter(email=KRANICH).update(language=language)
        accept(demo, made)
        [sent] = mail.outbox
        assert (sent.subject, sent.to) == (subject, [KRANICH])
        path = f"/customers/{demo.customer('Reederei Albers').pk}/"
        assert f"https://portal.example{path}" in sent.body

    def test_declined_with_the_reason(self, demo):
        made = ask(demo)
        type(made.created_by).objects.filter(email=KRANICH).update(language="en")
        decline(demo, made, reason="We have <b>a partner</b> & it's good.")
        [sent] = mail.outbox
        assert (sent.subject, sent.to) == ("Reederei Albers declined your request", [KRANICH])
        assert "Reason: We have <b>a partner</b> & it's good." in sent.body
        [(html, _kind)] = sent.alternatives
        assert "<b>a partner" not in html
        assert f"https://portal.example/relationships/requests/{made.pk}/" in sent.body

    def test_where_whoever_asked_is_gone_its_admins_are_told(self, demo):
        made = ask(demo, "agent@nordlicht.example", "admin@huber.example")
        demo.user("agent@nordlicht.example").deactivate(by=PORTAL)
        decline(demo, made, "admin@huber.example")
        assert [sent.to for sent in mail.outbox] == [["global@nordlicht.example"]]

    def test_R12_the_provider_is_told_too(self, demo):
        made = ask(demo, to="admin@huber.example", provider=demo.partner("Nordlicht Distribution"))
        accept(demo, made, "admin@huber.example")
        assert sorted(sent.to for sent in mail.outbox) == [
            ["global@kranich.example"],
            ["global@nordlicht.example"],
        ]

    def test_nobody_is_told_of_what_was_not_accepted(self, demo, queue, monkeypatch):
        """What is rolled back is never sent."""
        made = ask(demo)

        def full_disk(*args, **kwargs):
            raise OSError("No space left on device")

        monkeypatch.setattr("relationships.models.requests.RelationshipRequest.record", full_disk)
        with pytest.raises(OSError, match="No space left"):
            accept(demo, made)
        assert not queue.exists()
        monkeypatch.undo()
        accept(demo, made)
        assert [one.recipient for one in queue.all()] == [KRANICH]
