"""Editing a customer's details on its account page."""

import pytest
from django.urls import reverse
from django.views.generic.detail import SingleObjectMixin

from portal.authority import PORTAL
from tests.pages import Page, signed_in

HELPDESK = "helpdesk@nordlicht.example"
ELBE = "global@elbe.example"


@pytest.fixture
def path(albers):
    return reverse("account:edit", args=[albers.pk])


TYPED = {
    "name": "Reederei Albers",
    "street": "Neuer Wall 1",
    "postal_code": "20354",
    "city": "Hamburg",
    "contact_name": "Jonas Albers",
    "contact_email": "admin@albers.example",
    "contact_phone": "",
}


def test_the_account_page_leads_there_and_shows_what_was_saved(albers, path):
    browser = signed_in(HELPDESK)
    account = reverse("account:detail", args=[albers.pk])
    assert path in {link.get("href") for link in Page(browser.get(account)).find("a")}
    page = Page(browser.get(path))
    assert page.heading == "Edit the details"
    assert page.hidden("street") == "Am Sandtorkai 12"
    answer = browser.post(path, {**TYPED, "seen": page.hidden("seen")}, follow=True)
    page = Page(answer)
    assert page.alerts == [("status", "The details were saved.")]
    assert page.facts["Address"].startswith("Neuer Wall 1")


def test_R11_domain_and_country_are_shown_and_not_taken(albers, path):
    page = Page(signed_in(HELPDESK).get(path))
    assert (page.facts["Primary domain"], page.facts["Country"]) == ("albers.example", "Germany")
    assert "Only the operator of the portal changes the domain and the country" in page.text
    signed_in(HELPDESK).post(path, {**TYPED, "domain": "other.example", "country": "US"})
    albers.refresh_from_db()
    assert (albers.domain, albers.country.code) == ("albers.example", "DE")


def test_saving_what_is_changes_nothing_and_says_so(path, nothing_written):
    browser = signed_in(HELPDESK)
    page = Page(browser.get(path))
    same = {name: page.hidden(name) or "" for name in TYPED}
    with nothing_written():
        page = Page(browser.post(path, same, follow=True))
    assert page.alerts == [("status", "Nothing was changed.")]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 201}, "Ensure this value has at most 200 characters (it has 201)."),
        ({"contact_email": "x"}, "Enter a valid email address."),
        ({"city": "\x00"}, "Null characters are not allowed."),
    ],
)
def test_what_is_wrong_is_said_at_its_field(path, fields, error, nothing_written):
    with nothing_written():
        page = Page(signed_in(HELPDESK).post(path, TYPED | fields))
    assert page.field_errors == [error]
    assert "Reederei Albers" in page.text


def test_T1_who_was_overtaken_is_told_how_but_not_by_which_other_partner(
    albers, path, nothing_written
):
    """Möwe and Nordlicht do not know of each other."""
    seen = Page(signed_in(HELPDESK).get(path)).hidden("seen")
    signed_in("global@moewe.example").post(path, {**TYPED, "city": "Bremen"})
    with nothing_written():
        answer = signed_in(HELPDESK).post(path, {**TYPED, "city": "Kiel", "seen": seen})
    assert answer.status_code == 409
    page = Page(answer)
    assert page.alerts[0][1].startswith("Another partner changed this since you opened the page.")
    assert page.facts["city"] == "Hamburg → Bremen"
    assert page.hidden("city") == "Kiel"
    assert "Möwe" not in page.source
    activity = Page(signed_in(HELPDESK).get("/activity/"))
    assert "Möwe" not in activity.source
    data = {**TYPED, "city": "Kiel", "seen": page.hidden("seen")}
    assert signed_in(HELPDESK).post(path, data).status_code == 302
    albers.refresh_from_db()
    assert albers.city == "Kiel"


def test_a_colleague_is_named(path):
    seen = Page(signed_in(HELPDESK).get(path)).hidden("seen")
    signed_in("agent@nordlicht.example").post(path, {**TYPED, "city": "Bremen"})
    page = Page(signed_in(HELPDESK).post(path, {**TYPED, "seen": seen}))
    assert page.alerts[0][1].startswith(
        "Admin agent, Nordlicht Distribution (agent@nordlicht.example) changed this"
    )


@pytest.mark.parametrize(
    ("email", "status"),
    [
        ("users@nordlicht.example", 403),
        ("global@brandt.example", 404),
        ("admin@albers.example", 403),
    ],
)
def test_T1_T2_nobody_else(path, email, status, nothing_written):
    browser = signed_in(email)
    with nothing_written():
        assert browser.get(path).status_code == status
        assert browser.post(path, TYPED).status_code == status


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", ["detail", "edit"])
def test_T1_a_relationship_that_ends_while_its_page_is_made_leaves_no_page(
    demo, albers, monkeypatch, name, method
):
    """Read once to find the page and once more to show it: in between it may be gone."""
    get_object = SingleObjectMixin.get_object

    def get_object_and_end(self, queryset=None):
        found = get_object(self, queryset)
        demo.relationship("Reederei Albers", "Elbe Support").end(by=PORTAL)
        return found

    monkeypatch.setattr(SingleObjectMixin, "get_object", get_object_and_end)
    data = {**TYPED, "name": ""}
    answer = getattr(signed_in(ELBE), method)(reverse(f"account:{name}", args=[albers.pk]), data)
    assert answer.status_code == (405 if (name, method) == ("detail", "post") else 404)
