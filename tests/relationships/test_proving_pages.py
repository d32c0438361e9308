"""R14: who opens a link proves the address that was asked, before it reads what it says."""

import re

import pytest
from django.core import mail
from django.test import Client

from portal.models import Action, ProofMethod
from tests.demo import ALBERS, GLOBAL, HAFEN, KRANICH, OPERATOR, PETERSEN
from tests.pages import Page, followed, opened, signed_in
from tests.relationships.pages import REQUESTS, alike, page_of


class TestProving:
    """R14: an admin with another address shows that it reads mail to the one that was asked."""

    ASKED = "info@werft.example"

    @pytest.fixture
    def forwarded(self, ask):
        return ask(HAFEN, "Werft Neu", self.ASKED)

    def test_R14_known_or_unknown_it_looks_alike(self, ask, forwarded):
        known = ask(HAFEN, "Werft Neu", "admin@huber.example")
        browser = signed_in(PETERSEN)
        assert alike(browser.get(known.path)) == alike(browser.get(forwarded.path))
        answers = [browser.post(one.path + "prove/", follow=True) for one in (known, forwarded)]
        assert alike(answers[0]) == alike(answers[1])

    def test_R14_the_mail_goes_to_the_address_that_was_asked_which_is_not_told(self, forwarded):
        page = Page(signed_in(PETERSEN).post(forwarded.path + "prove/", follow=True))
        assert ("status", "A mail is on its way to the address that was asked.") in page.alerts
        assert "werft" not in page.source
        assert [sent.to for sent in mail.outbox] == [[self.ASKED]]

    def test_R14_three_of_them_an_hour(self, forwarded):
        browser = signed_in(PETERSEN)
        for _time in range(4):
            page = Page(browser.post(forwarded.path + "prove/", follow=True))
        assert page.alerts[0][1].startswith("Several mails are on their way already.")
        assert "werft" not in page.source
        assert len(mail.outbox) == 3

    @pytest.mark.parametrize("email", [None, KRANICH, GLOBAL, OPERATOR])
    def test_R14_only_who_could_answer_has_one_sent(self, forwarded, email):
        browser = signed_in(email) if email else Client()
        assert browser.post(forwarded.path + "prove/").url == forwarded.path
        assert mail.outbox == []

    def test_R14_then_the_same_person_answers_and_both_are_named(self, demo, forwarded):
        browser = signed_in(PETERSEN)
        browser.post(forwarded.path + "prove/")
        [path] = re.findall(r"https://portal\.example(/accounts/\S+/)", mail.outbox[0].body)
        assert Page(browser.get(path)).find("form")
        assert "Accept" not in Page(browser.get(forwarded.path)).all_text("button")
        assert browser.post(path).url == forwarded.path
        page = Page(browser.get(forwarded.path))
        assert page.facts["To"] == "Werft Neu, info@werft.example"
        assert "You answer in the name of Backhaus Petersen." in page.text
        mail.outbox.clear()
        followed(browser.post(forwarded.path + "accept/"))
        demo.relationship("Backhaus Petersen", "Hafen IT")
        person = demo.user(PETERSEN)
        answer = f"{person} (admin@petersen.example) for Backhaus Petersen"
        asked = "Asked was info@werft.example of Werft Neu."
        assert opened(HAFEN, page_of(forwarded)).facts["Answered by"] == f"{answer} {asked}"
        row = opened(HAFEN, REQUESTS).table[0]
        assert row["Closed"].endswith(f"{person} for Backhaus Petersen")
        [sent] = mail.outbox
        assert sent.subject == "Backhaus Petersen hat Ihre Anfrage angenommen"
        assert "admin@petersen.example" in sent.body
        assert "info@werft.example" in sent.body
        entry = demo.log(action=Action.REQUEST_ACCEPTED)[-1]
        assert entry.subject == "Backhaus Petersen"
        assert entry.after == {
            "with_dap": True,
            "asked": "info@werft.example (Werft Neu)",
            "answered_by": f"{person} (admin@petersen.example)",
        }

    def test_R14_whose_proof_is_older_reads_that_it_is_for_another(self, demo, forwarded):
        demo.user(PETERSEN).prove(self.ASKED, how=ProofMethod.CONFIRMATION)
        demo.user("admin@huber.example").prove(self.ASKED, how=ProofMethod.CONFIRMATION)
        page = opened(PETERSEN, forwarded.path)
        assert "This request is for another company of the portal." in page.text
        assert "Werft" not in page.text

    def test_R14_that_another_account_signs_in_with_it_is_told_after_the_proof(self, demo, ask):
        made = ask()
        assert "signs in" not in opened(PETERSEN, made.path).text
        demo.user(PETERSEN).prove(ALBERS, how=ProofMethod.CONFIRMATION)
        page = opened(PETERSEN, made.path)
        assert "Another account of the portal signs in with admin@albers.example." in page.text
