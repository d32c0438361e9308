"""Bulk assignment as its user meets it: choose, pick, preview, submit once, read the result."""

import csv
import io
import re
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.bodies import UPLOAD_BYTES
from portal.models import Action
from subscriptions.forms import BulkFileForm
from subscriptions.forms import bulk as bulk_forms
from subscriptions.models import BulkAssignment
from tests.demo import HELPDESK
from tests.factories import (
    CustomerFactory,
    PartnerFactory,
    PartnershipFactory,
    RelationshipFactory,
    SubscriptionFactory,
)
from tests.pages import Page, signed_in, words
from tests.workbooks import workbook

TITLES = "Subscription ID,MPN ID of the contact\n"


@pytest.fixture
def browser(demo):
    return signed_in(HELPDESK)


def page_of(answer):
    assert answer.status_code == 200
    return Page(HttpResponse(answer.getvalue()))


def follow(browser, answer):
    assert answer.status_code == 302
    return page_of(browser.get(answer.url))


def only():
    return BulkAssignment.objects.get()


def address(name="bulk"):
    return reverse(f"coverage:{name}", args=[only().pk])


def test_from_the_list_to_the_result(demo, browser, hafen):
    """Choose two, pick Hafen IT, preview, Submit, result: each page leads to the next."""
    names = ["Azure plan", "Office 365 Business Standard"]
    chosen = [demo.subscription("Reederei Albers", name) for name in names]
    answer = browser.post("/subscriptions/assign/", {"chosen": [one.pk for one in chosen]})
    page = follow(browser, answer)
    assert page.heading == "Choose a support contact"
    assert "For 2 chosen subscriptions." in page.text
    labels = page.all_text("fieldset//label")
    assert labels == [
        "Elbe Support (MPN ID 5200200)",
        "Hafen IT (MPN ID 5200100)",
        "Kranich Consulting (MPN ID 5200300)",
        "Nordlicht Distribution (MPN ID 4100100)",
    ]
    preview = follow(browser, browser.post(address("contact"), {"contact": str(hafen.pk)}))
    assert preview.heading == "Preview"
    assert preview.facts["Support contact"] == "Hafen IT"
    assert preview.facts["Will change"] == "2"
    assert preview.table == [
        {
            "Subscription": name,
            "Customer": "Reederei Albers",
            "Before": "Nordlicht Distribution",
            "After": "Hafen IT",
            "Outcome": "Will change",
        }
        for name in names
    ]
    assert demo.log(action=Action.SUPPORT_CONTACT_DESIGNATED) == []
    running = page_of(browser.post(address("submit")))
    assert running.all_text("div[@role='log']/p") == [
        "The rows are checked once more …",
        "0 of 2 subscriptions",
        "2 of 2 subscriptions",
        "Notices and mails: 0 of 3 partners and customers",
        "Everything is being stored …",
    ]
    assert running.all_text("p[@role='status']") == ["All of it is done."]
    [refresh] = running.tree.findall(".//meta[@http-equiv='refresh']")
    assert refresh.get("content") == f"0; url={address()}"
    result = page_of(browser.get(address()))
    assert result.heading == "Support contacts assigned"
    assert [row["Outcome"] for row in result.table] == ["Changed", "Changed"]
    assert result.facts["Changed"] == "2"
    assert not result.tree.findall(".//main//form[@method='post']")
    for one in chosen:
        one.refresh_from_db()
        assert one.support_contact == hafen
    assert len(demo.log(action=Action.SUPPORT_CONTACT_DESIGNATED)) == 2


def test_all_that_match_are_those_of_the_filter(demo, browser):
    petersen = demo.customer("Backhaus Petersen")
    answer = browser.post("/subscriptions/assign/?q=petersen&sort=since", {"all": "1"})
    assert answer.status_code == 302
    rows = only().rows.values_list("subscription__customer", flat=True)
    assert list(rows) == [petersen.pk] * 2


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("", {}),
        ("?status=suspended", {"chosen": ["nonsense", ""]}),
        ("", {"chosen": [str(uuid.uuid4())]}),
        ("?q=nobody", {"all": "1"}),
        ("?contact=nonsense", {"all": "1"}),
    ],
)
def test_nothing_chosen_leads_back_to_the_list(browser, nothing_written, query, sent):
    with nothing_written():
        answer = browser.post(f"/subscriptions/assign/{query}", sent)
    assert answer.url == f"/subscriptions/{query}"
    assert ("alert", "Choose at least one subscription.") in page_of(browser.get(answer.url)).alerts


class TestChoice:
    """Which rows of the coverage are chosen, from page to page."""

    @pytest.fixture
    def keys(self, demo):
        """60 subscriptions of Nordlicht, which fill three pages, in the order of the list."""
        albers, nordlicht = demo.customer("Reederei Albers"), demo.partner("Nordlicht Distribution")
        made = [
            SubscriptionFactory(customer=albers, seller=nordlicht, friendly_name=f"Any {number:02}")
            for number in range(60)
        ]
        return [str(one.pk) for one in made]

    def checked(self, page):
        boxes = page.find("input[@type='checkbox'][@name='chosen']")
        return [box.get("value") for box in boxes if "checked" in box.attrib]

    def test_it_goes_along_where_a_form_turns_the_page(self, browser, keys):
        """As browsers without scripts do: by the buttons of the form."""
        page = page_of(browser.get("/subscriptions/"))
        assert self.checked(page) == []
        assert page.hidden("elsewhere") == ""
        [onward] = [
            button.get("formaction")
            for button in page.find("noscript/button[@form='bulk']")
            if words(button) == "Next"
        ]
        page = page_of(browser.post(onward, {"chosen": keys[3:5]}))
        assert self.checked(page) == []
        assert page.hidden("elsewhere").split() == sorted(keys[3:5])
        assert "Chosen on other pages: 2" in page.text
        [back] = [
            button.get("formaction")
            for button in page.find("noscript/button[@form='bulk']")
            if words(button) == "Previous"
        ]
        sent = {"chosen": keys[30:31], "elsewhere": page.hidden("elsewhere")}
        page = page_of(browser.post(back, sent))
        assert self.checked(page) == keys[3:5]
        assert page.hidden("elsewhere").split() == [keys[30]]
        # What was chosen before and is chosen no more.
        sent = {"chosen": keys[4:5], "elsewhere": page.hidden("elsewhere")}
        browser.post("/subscriptions/assign/", sent)
        rows = only().rows.values_list("subscription", flat=True)
        assert {str(key) for key in rows} == {keys[4], keys[30]}

    def test_an_error_leaves_what_is_chosen(self, browser, keys, settings, nothing_written):
        settings.BULK_ROWS_PER_DAY = 1
        sent = {"chosen": keys[:2], "elsewhere": f"{keys[40]} nonsense"}
        with nothing_written():
            answer = browser.post("/subscriptions/assign/?sort=product", sent, follow=True)
        page = page_of(answer)
        assert answer.request["REQUEST_METHOD"] == "POST"
        assert answer.request["QUERY_STRING"] == "sort=product"
        [(role, text)] = page.alerts
        assert (role, text) == ("alert", "At most 1 subscription at a time. Narrow the choice.")
        assert self.checked(page) == keys[:2]
        assert page.hidden("elsewhere") == keys[40]

    def test_more_than_can_be_chosen_one_by_one(self, browser, keys, monkeypatch, nothing_written):
        monkeypatch.setattr("subscriptions.views.coverage.MOST_CHOSEN", 3)
        sent = {"chosen": keys[:2], "elsewhere": " ".join(keys[40:42])}
        refusal = (
            "At most 3 subscriptions can be chosen one by one. Choose fewer, or narrow the list and"
            " assign all that match."
        )
        for path in ("/subscriptions/", "/subscriptions/assign/"):
            with nothing_written():
                page = page_of(browser.post(path, sent, follow=True))
            assert {text for _role, text in page.alerts} == {refusal}
            assert self.checked(page) == keys[:2]
        browser.post("/subscriptions/assign/", sent | {"elsewhere": keys[40]})
        assert only().rows.count() == 3

    def test_it_is_of_one_list_one_filter_and_one_session(self, demo, browser):
        def name(browser, query=""):
            [form] = page_of(browser.get(f"/subscriptions/{query}")).find("form[@id='bulk']")
            return form.get("data-choice")

        first = name(browser)
        assert name(browser, "?sort=-product&size=100&status=") == first
        assert name(browser, "?status=active") != first
        assert name(browser, "?q=albers") not in (first, name(browser, "?q=petersen"))
        # Whoever signs in next, be it the same person, begins anew.
        assert name(signed_in(HELPDESK)) != first
        assert str(browser.session.session_key) not in first


def test_T1_what_others_have_can_not_be_chosen(demo, browser):
    dynamics = demo.subscription("Reederei Albers", "Dynamics 365 Sales")
    azure = demo.subscription("Reederei Albers", "Azure plan")
    browser.post("/subscriptions/assign/", {"chosen": [dynamics.pk, azure.pk]})
    assert [str(row) for row in only().rows.all()] == ["Azure plan"]


@pytest.mark.parametrize("choice", ["", "nonsense", "Pacific Resale", "Südwind Cloud"])
def test_a_contact_that_is_no_choice_is_refused(demo, browser, choice):
    browser.post("/subscriptions/assign/", {"all": "1"})
    known = {"Pacific Resale", "Südwind Cloud"}
    sent = str(demo.partner(choice).pk) if choice in known else choice
    page = page_of(browser.post(address("contact"), {"contact": sent}))
    assert page.field_errors[0] in (
        "Choose a partner.",
        "This partner can't be the support contact. Choose one of the list.",
    )
    assert "Pacific" not in page.text
    assert only().contact is None


def test_many_partners_are_found_by_a_search(demo, browser):
    nordlicht = demo.partner("Nordlicht Distribution")
    for number in range(30):
        reseller = PartnerFactory(reseller=True, name=f"Firma Süß {number:02}")
        PartnershipFactory(provider=nordlicht, reseller=reseller)
    browser.post("/subscriptions/assign/", {"all": "1"})
    page = page_of(browser.get(address("contact")))
    assert len(page.all_text("fieldset//label")) == 25
    assert "There are more." in page.text
    page = page_of(browser.get(address("contact") + "?q=suss+29"))
    assert [text[:12] for text in page.all_text("fieldset//label")] == ["Firma Süß 29"]
    page = page_of(browser.get(address("contact") + f"?q={reseller.mpn_id}"))
    assert len(page.all_text("fieldset//label")) == 1
    page = page_of(browser.get(address("contact") + "?q=%00zzz"))
    assert "You work with no partner of this name." in page.text


def test_the_preview_says_why_a_row_is_refused(demo, browser):
    browser.post("/subscriptions/assign/", {"all": "1"})
    elbe = demo.partner("Elbe Support")
    page = follow(browser, browser.post(address("contact"), {"contact": str(elbe.pk)}))
    outcomes = {row["Subscription"]: row["Outcome"] for row in page.table}
    assert outcomes["Exchange Online (Plan 1)"] == "Will change"
    assert outcomes["Azure plan"] == "The partner has no delegated admin privileges"
    after = {row["Subscription"]: (row["Before"], row["After"]) for row in page.table}
    assert after["Exchange Online (Plan 1)"] == ("Nordlicht Distribution", "Elbe Support")
    assert after["Azure plan"] == ("Nordlicht Distribution", "Nordlicht Distribution")
    assert after["Visio Plan 2"] == ("No partner designated", "–")
    assert "What is refused stays as it is. The others are changed." in page.text
    page = page_of(browser.get(address() + "?outcome=no_dap"))
    assert {row["Customer"] for row in page.table} == {"Reederei Albers"}
    assert len(page.table) == 4
    assert page.all_text("caption") == ["4 rows"]
    page = page_of(browser.get(address() + "?outcome=nonsense"))
    assert page.find("table") == []


def test_where_nothing_would_change_there_is_no_submit(demo, browser):
    nordlicht = demo.partner("Nordlicht Distribution")
    browser.post("/subscriptions/assign/?still=on", {"all": "1"})
    page = follow(browser, browser.post(address("contact"), {"contact": str(nordlicht.pk)}))
    assert "There is nothing to change." in page.text
    assert "Submit" not in page.all_text("button")


def test_before_a_contact_is_chosen_the_preview_leads_to_the_choice(browser):
    browser.post("/subscriptions/assign/", {"all": "1"})
    assert browser.get(address()).url == address("contact")


def test_the_rows_can_be_exported(demo, browser, hafen):
    browser.post("/subscriptions/assign/?q=petersen", {"all": "1"})
    browser.post(address("contact"), {"contact": str(hafen.pk)})
    text = browser.get(address("bulk_export")).getvalue().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 2
    assert rows[0]["Outcome"] == "The partner has no relationship with the customer"
    assert rows[0]["Before"] == rows[0]["After"] == "Nordlicht Distribution"
    assert rows[0]["MPN ID of the contact"] == hafen.mpn_id


def test_what_changed_since_the_preview_says_nothing_of_after(demo, browser, hafen):
    azure = demo.subscription("Reederei Albers", "Azure plan")
    browser.post("/subscriptions/assign/", {"chosen": [azure.pk]})
    browser.post(address("contact"), {"contact": str(hafen.pk)})
    azure.designate(hafen, by=demo.user("global@nordlicht.example"))
    azure.designate(
        demo.partner("Nordlicht Distribution"), by=demo.user("global@nordlicht.example")
    )
    page_of(browser.post(address("submit")))
    [row] = page_of(browser.get(address())).table
    assert row["Outcome"] == "Changed in the meantime"
    assert (row["Before"], row["After"]) == ("Nordlicht Distribution", "–")


def test_the_pages_cost_the_same_with_many_rows(demo, browser, hafen):
    def queries():
        BulkAssignment.objects.all().delete()
        browser.post("/subscriptions/assign/?q=firm", {"all": "1"})
        browser.post(address("contact"), {"contact": str(hafen.pk)})
        with CaptureQueriesContext(connection) as captured:
            page_of(browser.get(address()))
        return len(captured)

    def add():
        customer = CustomerFactory(name="Firm")
        nordlicht = demo.partner("Nordlicht Distribution")
        RelationshipFactory(partner=nordlicht, customer=customer)
        SubscriptionFactory(customer=customer, seller=nordlicht)

    add()
    few = queries()
    for _number in range(20):
        add()
    assert queries() == few


class TestFile:
    @pytest.fixture
    def send(self, browser):
        def act(content, name="contacts.csv"):
            content = content.encode() if isinstance(content, str) else content
            file = SimpleUploadedFile(name, content, content_type="text/csv")
            return browser.post("/subscriptions/assign/file/", {"file": file})

        return act

    def test_the_page_says_what_the_file_has(self, browser):
        page = page_of(browser.get("/subscriptions/assign/file/"))
        assert page.all_text("li/code") == ["Subscription ID", "MPN ID of the contact"]
        assert "At most 50,000 rows and 50 MB." in page.text
        [field] = page.tree.findall(".//input[@type='file']")
        assert {".csv", ".tsv", ".txt", ".xlsx"} <= set(field.get("accept").split(","))

    def test_from_the_file_to_the_result(self, demo, browser, send, hafen):
        azure = demo.subscription("Reederei Albers", "Azure plan")
        content = f"{TITLES}{azure.pk},{hafen.mpn_id}\nx,{hafen.mpn_id}\n"
        page = follow(browser, send(content))
        assert page.facts["File"] == "contacts.csv"
        assert [(row["Line"], row["Outcome"]) for row in page.table] == [
            ("2", "Will change"),
            ("3", "This is not the ID of a subscription"),
        ]
        assert page.table[1]["Subscription"] == f"x; {hafen.mpn_id}"
        page_of(browser.post(address("submit")))
        azure.refresh_from_db()
        assert azure.support_contact == hafen
        assert browser.get(address("contact")).url == address()

    @pytest.mark.parametrize("language", ["en", "de"])
    @pytest.mark.parametrize("separator", ["comma", "semicolon"])
    def test_every_export_of_subscriptions_can_be_sent_back(
        self, demo, browser, send, hafen, language, separator
    ):
        """Whoever exported it, in another language than the reader's."""
        boss = signed_in("global@nordlicht.example", **{"accept-language": language})
        azure = demo.subscription("Reederei Albers", "Azure plan")
        azure.designate(hafen, by=demo.user(HELPDESK))
        together = hafen.partnerships_as_reseller.get(provider__name="Nordlicht Distribution")
        left = "Left as it is: no contact given"
        of_albers = {"Will change": "2", "Already so": "1", left: "1"}
        for path, counts in {
            "/subscriptions/export/?q=albers&": of_albers,
            f"/customers/{azure.customer_id}/subscriptions/export/?": of_albers,
            reverse("coverage:partnership_export", args=[together.pk]) + "?": {"Already so": "1"},
        }.items():
            answer = boss.get(f"{path}separator={separator}")
            assert re.search(r'"subscriptions-[\d-]{10}\.csv"', answer["Content-Disposition"])
            exported = answer.getvalue().decode()
            page = follow(browser, send(exported.replace("4100100", hafen.mpn_id)))
            assert page.facts == {"File": "contacts.csv", **counts}

    def test_a_workbook_is_read(self, demo, browser, send, hafen):
        azure = demo.subscription("Reederei Albers", "Azure plan")
        titles = ["Kunde", "Abonnement-ID", "MPN-ID des Kontakts"]
        content = workbook([titles, ["Albers", str(azure.pk), int(hafen.mpn_id)]])
        page = follow(browser, send(content, "Kontakte.xlsx"))
        assert page.facts["File"] == "Kontakte.xlsx"
        assert page.facts["Will change"] == "1"
        content = workbook([titles, ["Albers", "=A1", "=1"]])
        german = signed_in(HELPDESK, **{"accept-language": "de"})
        file = SimpleUploadedFile("Kontakte.xlsx", content)
        page = page_of(german.post("/subscriptions/assign/file/", {"file": file}))
        wrong = "Hier steht eine Formel. Setzen Sie ihr Ergebnis ein, als Text."
        assert page.field_errors == [
            f"Zeile 2, Spalte „Abonnement-ID“: {wrong}",
            f"Zeile 2, Spalte „MPN-ID des Kontakts“: {wrong}",
        ]

    def test_what_is_left_as_it_is_counts_as_no_refusal(self, demo, browser, send):
        azure = demo.subscription("Reederei Albers", "Azure plan")
        page = follow(browser, send(f"{TITLES}{azure.pk},\n"))
        assert page.facts["Left as it is: no contact given"] == "1"
        [row] = page.table
        assert (row["Before"], row["After"]) == ("Nordlicht Distribution",) * 2
        assert "There is nothing to change." in page.text

    def test_what_a_spreadsheet_changed_is_told_in_its_row(self, demo, browser, send):
        azure = demo.subscription("Reederei Albers", "Azure plan")
        page = follow(browser, send(f"{TITLES}{azure.pk},1E+06\n"))
        [row] = page.table
        assert row["Outcome"] == "A spreadsheet has changed this number: format the column as text"
        assert row["Subscription"] == f"{azure.pk}; 1E+06"

    def test_exports_of_50_000_rows_are_read(self):
        """Ours with long names, as “Unicode Text”, which takes the most bytes; and it can be sent."""
        name = "Straßenbau Müller & Söhne Düsseldorf"
        row = "\t".join(
            ["", name, name, str(uuid.uuid4()), name, "25", "Aktiv", name, name, "4100100"]
        )
        rows = "".join(f"{uuid.UUID(int=number)}{row}\r\n" for number in range(50_000))
        titles = ["Abonnement-ID", *map(str, range(8)), "MPN-ID des Kontakts"]
        content = ("\t".join(titles) + "\r\n" + rows).encode("utf-16")
        assert 25_000_000 < len(content) < bulk_forms.MOST_BYTES < UPLOAD_BYTES
        form = BulkFileForm(files={"file": SimpleUploadedFile("x.txt", content)})
        assert form.is_valid()
        assert len(form.lines) == 50_000
        assert form.lines[-1] == (50_001, str(uuid.UUID(int=49_999)), "4100100")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "The file is empty."),
            (TITLES, "The file has no rows below its first line."),
            (
                "Subscription ID,b\n1,2\n",
                "The first line does not name: MPN ID of the contact. It names: “Subscription ID”, “b”.",
            ),
            (
                b"PK\x03\x04\x00\x00",
                "The portal can't read this file. It reads XLSX workbooks, and CSV files in UTF-8.",
            ),
            (TITLES + "a,b\n" * 4, "The file has more than 3 rows. Split it."),
            (TITLES + "a" * 900, "The file is larger than 1 MB. Split it."),
        ],
    )
    def test_a_file_that_can_not_be_read_is_refused_in_words(
        self, send, content, message, nothing_written, monkeypatch
    ):
        monkeypatch.setattr(bulk_forms, "MOST_ROWS", 3)
        monkeypatch.setattr(bulk_forms, "MOST_BYTES", 900)
        with nothing_written():
            page = page_of(send(content))
        assert page.field_errors == [message]

    def test_no_file_at_all(self, browser):
        page = page_of(browser.post("/subscriptions/assign/file/", {}))
        assert page.field_errors == ["This field is required."]

    def test_T1_a_line_does_not_tell_what_others_have(self, demo, browser, send, hafen):
        foreign = demo.subscription("Reederei Albers", "Dynamics 365 Sales")
        moewe = demo.partner("Möwe Systems")
        azure = demo.subscription("Reederei Albers", "Azure plan")
        lines = [(foreign.pk, hafen.mpn_id), (uuid.uuid4(), hafen.mpn_id), (azure.pk, moewe.mpn_id)]
        page = follow(browser, send(TITLES + "".join(f"{a},{b}\n" for a, b in lines)))
        assert [row["Outcome"] for row in page.table] == [
            "There is no such subscription",
            "There is no such subscription",
            "You work with no partner of this MPN ID",
        ]
        assert "Dynamics" not in page.text
        assert "Möwe" not in page.text

    def test_a_formula_is_text(self, demo, browser, send):
        follow(browser, send(TITLES + "=HYPERLINK(1),@x\n"))
        text = browser.get(address("bulk_export")).getvalue().decode()
        assert "'=HYPERLINK(1);' @x" in text
