"""One form for emails and domains, whichever way people and browsers write them (R14)."""

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st

from portal.addresses import normal_domain, normal_email, shown_domain, shown_email

ANY_TEXT = st.text(st.characters())  # lone surrogates too
# Texts that are nearly domains, of the signs on which the form turns.
WORDS = [
    "www.",
    "http://",
    "firm.de",
    "müller.de",
    "xn--",
    "mller-kva",
    ".de",
    "info@",
    "127.0.0.1",
]
SIGNS = list("@:/.。_- ßẞİıſü\u0308\u00ad\u200d😀ﬁ株пAZ[]1")
PIECES = st.sampled_from(WORDS + SIGNS)
ALMOST = st.lists(PIECES, max_size=8).map("".join)

MUELLER = "xn--mller-kva.de"


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("firm.de", "firm.de"),
        ("  FIRM.de\n", "firm.de"),
        ("firm.de.", "firm.de"),
        ("https://firm.de/", "firm.de"),
        ("HTTPS://www.Firm.de/impressum?sprache=de#unten", "firm.de"),
        ("http://user:secret@firm.de:8080/", "firm.de"),
        ("firm.de:443", "firm.de"),
        ("firm.de/kontakt", "firm.de"),
        ("//firm.de", "firm.de"),
        ("https://firm.de/?from=https://other.de/", "firm.de"),
        ("www.firm.de", "firm.de"),
        ("www.de", "www.de"),
        ("shop.firm.co.uk", "shop.firm.co.uk"),
        ("info@firm.de", "firm.de"),
        ("mailto:info@firm.de", "firm.de"),
        ("müller.de", MUELLER),
        ("MÜLLER.DE", MUELLER),
        ("mu\u0308ller.de", MUELLER),
        ("www.müller。de", MUELLER),
        ("info@müller.de", MUELLER),
        ("XN--mller-KVA.de", MUELLER),
        ("straße.de", "xn--strae-oqa.de"),
        ("STRAẞE.de", "xn--strae-oqa.de"),
        ("strasse.de", "strasse.de"),
        ("ﬁrm.de", "firm.de"),
        ("firm.xn--p1ai", "firm.xn--p1ai"),
        ("fa--ke.de", "fa--ke.de"),
    ],
)
def test_a_domain_is_understood_however_it_is_typed(text, domain):
    assert normal_domain(text) == domain


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "firm",
        "localhost",
        "127.0.0.1",
        "１２７.0.0.1",
        "https://[::1]/",
        "fi rm.de",
        "fi_rm.de",
        "-firm.de",
        "firm..de",
        "firm.d",
        "firm😀.de",
        "xn--a.de",
        "xn--.de",
        "firm.de>",
        "info@",
        "Albers & Co.",
        "\x00firm.de",
        "ü" * 400 + ".de",
        "a" * 64 + ".de",
    ],
)
def test_what_is_no_domain_is_refused_with_a_sentence(text):
    with pytest.raises(ValidationError) as refused:
        normal_domain(text)
    assert refused.value.messages == ["Enter a domain, such as firm.example."]
    assert refused.value.code == "domain"


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Chef@Firm.de", "chef@firm.de"),
        (" chef@firm.de\n", "chef@firm.de"),
        ("chef@firm.de.", "chef@firm.de"),
        ("chef@müller-bau.example", "chef@xn--mller-bau-q9a.example"),
        ("chef@xn--mller-bau-q9a.example", "chef@xn--mller-bau-q9a.example"),
        ("CHEF@MÜLLER-BAU.EXAMPLE", "chef@xn--mller-bau-q9a.example"),
        ("chef@mu\u0308ller-bau.example", "chef@xn--mller-bau-q9a.example"),
        # Another mailbox than that of firm.de, unlike for a domain that stands for a firm.
        ("chef@www.firm.de", "chef@www.firm.de"),
        ("chef+portal@firm.de", "chef+portal@firm.de"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_an_email_is_the_same_however_it_is_written(text, email):
    assert normal_email(text) == email


@pytest.mark.parametrize(
    "text",
    ["", "@", "chef", "chef@", "@firm.de", "chef@firm", "chef@xn--a.de", "a b@firm.de", "\x00"],
)
def test_what_is_no_email_is_refused(text):
    with pytest.raises(ValidationError) as refused:
        normal_email(text)
    assert refused.value.messages == ["Enter a valid email address."]


@pytest.mark.parametrize("normal", [normal_domain, normal_email])
@given(st.one_of(ANY_TEXT, ALMOST, ALMOST.map("chef@{}.example".format)))
@example("chef@xn--mller-kva.de")
@example("www.www.www.de")
@example("www.xn--mller-kva.de:1:2")
def test_any_text_is_refused_or_has_a_form_that_stays_as_it_is(normal, text):
    try:
        once = normal(text)
    except ValidationError:
        return
    assert normal(once) == once
    assert once == once.strip().lower()


@given(ALMOST)
@example("müller")
@example("straße")
def test_a_domain_that_people_read_is_the_one_that_is_kept(text):
    try:
        kept = normal_domain(f"{text}.example")
    except ValidationError:
        return
    assert normal_domain(shown_domain(kept)) == kept


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("firm.de", "firm.de"),
        (MUELLER, "müller.de"),
        ("shop.xn--mller-kva.de", "shop.müller.de"),
        ("xn--strae-oqa.de", "straße.de"),
        # Whole names in another script stand below an ending of that script only.
        ("xn--e1afmkfd.xn--90ae", "пример.бг"),
        ("xn--e1afmkfd.de", "xn--e1afmkfd.de"),
        # Latin letters with a Cyrillic one among them.
        ("xn--pple-43d.com", "xn--pple-43d.com"),
        ("xn--a.de", "xn--a.de"),
        ("", ""),
    ],
)
def test_people_read_a_domain_with_its_own_letters_unless_they_could_deceive(kept, shown):
    assert shown_domain(kept) == shown
    assert shown_email(f"chef@{kept}") == f"chef@{shown}"
