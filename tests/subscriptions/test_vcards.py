"""A support contact as a vCard: what is in it, and what address books read of it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
import vobject

from portal.models import Partner
from portal.vcard import escape, fold_line
from tests.pages import signed_in

HELPDESK = "helpdesk@nordlicht.example"
ALBERS = "admin@albers.example"
PETERSEN = "admin@petersen.example"
OFFICE = "Office 365 Business Standard"
HEBREW = "שירות ותמיכה"
ICAL = Path(__file__).parent.parent / "vendor" / "ical.es5.min.cjs"
READ_BY_ICAL = (
    "const text = require('fs').readFileSync(0, 'utf8');"
    "console.log(JSON.stringify(require(process.argv[1]).parse(text)));"
)


def keep(partner, **fields):
    """Store what no form would let through, too."""
    Partner.objects.filter(pk=partner.pk).update(**fields)
    partner.refresh_from_db()
    return partner


def read_by_vobject(text):
    """What the address books on vobject read: the values by property, with the types of each."""
    read = vobject.readOne(text)
    assert read.serialize()  # which asks for all that the standard does
    return {
        name.upper(): (
            lines[0].value.family if name == "n" else str(lines[0].value),
            sorted(map(str.upper, lines[0].params.get("TYPE", []))),
        )
        for name, lines in read.contents.items()
        if name != "org"
    } | {"ORG": (read.org.value[0], [])}


def read_by_ical(text):
    """The same, as Thunderbird reads it."""
    if not shutil.which("node"):
        pytest.skip("node is not here, so ical.js did not read the card")
    done = subprocess.run(
        ["node", "-e", READ_BY_ICAL, str(ICAL)],
        input=text.encode(),
        capture_output=True,
        check=True,
    )
    _kind, lines, _parts = json.loads(done.stdout)
    read = {}
    for name, params, _type, value in lines:
        types = params.get("type", [])
        types = [types] if isinstance(types, str) else types
        # ical.js leaves the backslash of an escaped semicolon in values that have no parts; the standard
        # wants it there, and GNOME would cut the value off at a bare one.
        value = value[0] if isinstance(value, list) else value.replace("\\;", ";")
        read[name.upper()] = (value, sorted(map(str.upper, types)))
    return read


READERS = pytest.mark.parametrize(
    "read", [read_by_vobject, read_by_ical], ids=["vobject", "ical.js"]
)


def card(partner, email=ALBERS, **headers):
    return signed_in(email, **headers).get(f"/support/{partner.pk}/vcard/")


class TestReaders:
    @READERS
    def test_the_phone_arrives_with_all_that_a_customer_needs(self, nordlicht, read):
        assert read(card(nordlicht).content.decode()) == {
            "VERSION": ("3.0", []),
            "UID": (f"urn:uuid:{nordlicht.pk}", []),
            "N": ("Nordlicht Distribution", []),
            "FN": ("Nordlicht Distribution", []),
            "ORG": ("Nordlicht Distribution", []),
            "TEL": ("+49405550100", ["VOICE", "WORK"]),
            "EMAIL": ("support@nordlicht.example", ["INTERNET", "WORK"]),
            "URL": ("https://support.nordlicht.example/", []),
            "NOTE": ("Hours: Mon–Fri 07:00–20:00 CET\nLanguages: German, English", []),
        }

    @READERS
    @pytest.mark.parametrize(
        ("kept", "tel", "note"),
        [
            ("+49401234;ext=12", "+49401234", "Extension: 12\nHours: Mon–Fri"),
            ("116117;phone-context=+49", "116117", "Hours: Mon–Fri"),
            ("+49 40 123456/57", "+49 40 123456/57", "Hours: Mon–Fri"),
        ],
    )
    def test_it_is_a_number_to_dial(self, nordlicht, read, kept, tel, note):
        """A phone dials letters before an extension as on a keypad, so it stands in the note."""
        keep(nordlicht, support_phone=kept, support_hours="Mon–Fri", support_languages=[])
        found = read(card(nordlicht).content.decode())
        assert found["TEL"] == (tel, ["VOICE", "WORK"])
        assert found["NOTE"] == (note, [])

    @READERS
    def test_what_is_in_it_comes_out_as_it_is(self, nordlicht, read):
        keep(
            nordlicht,
            name="Möwe, Söhne & Co; \\ " + "Ü" * 90,
            support_hours="Mo–Fr 8:00–12:00, 13:00–17:00; Sa nach Absprache",
            support_languages=[],
        )
        found = read(card(nordlicht).content.decode())
        for name in ("FN", "N", "ORG"):
            assert found[name][0] == nordlicht.name
        assert found["NOTE"][0] == f"Hours: {nordlicht.support_hours}"

    @READERS
    def test_no_sign_in_a_url_is_taken_for_the_end_of_it(self, nordlicht, read):
        keep(nordlicht, support_website="https://a.example/x;y=1,2?q=a,b\\c")
        text = card(nordlicht).content.decode()
        assert "URL:https://a.example/x%3By=1%2C2?q=a%2Cb%5Cc\r\n" in text
        assert read(text)["URL"][0] == "https://a.example/x%3By=1%2C2?q=a%2Cb%5Cc"


class TestVCard:
    def test_it_holds_the_support_details(self, demo):
        nordlicht = demo.partner("Nordlicht Distribution")
        answer = card(nordlicht)
        assert answer["Content-Type"] == "text/vcard; charset=utf-8"
        assert answer["Content-Disposition"] == 'attachment; filename="nordlicht-distribution.vcf"'
        assert answer.content.decode() == "\r\n".join(
            [
                "BEGIN:VCARD",
                "VERSION:3.0",
                f"UID:urn:uuid:{nordlicht.pk}",
                "N:Nordlicht Distribution;;;;",
                "FN:Nordlicht Distribution",
                "ORG:Nordlicht Distribution",
                "TEL;TYPE=WORK,VOICE:+49405550100",
                "EMAIL;TYPE=INTERNET,WORK:support@nordlicht.example",
                "URL:https://support.nordlicht.example/",
                "NOTE:Hours: Mon–Fri 07:00–20:00 CET\\nLanguages: German\\, English",
                "END:VCARD",
                "",
            ]
        )

    def test_what_is_not_known_is_left_out(self, demo):
        Partner.objects.filter(name="Nordlicht Distribution").update(
            support_website="", support_hours="", support_languages=[]
        )
        text = card(demo.partner("Nordlicht Distribution")).content.decode()
        assert not {"URL", "NOTE"} & {line.split(":")[0] for line in text.splitlines()}

    def test_T1_only_partners_that_answer_for_the_customer(self, demo, office, hafen):
        assert card(hafen).status_code == 404
        office.designate(hafen, by=demo.user(HELPDESK))
        assert card(hafen).status_code == 200
        assert card(hafen, PETERSEN).status_code == 404
        office.designate(demo.partner("Nordlicht Distribution"), by=demo.user(HELPDESK))
        assert card(hafen).status_code == 404

    def test_it_speaks_the_readers_language(self, demo):
        answer = card(demo.partner("Nordlicht Distribution"), **{"accept-language": "de"})
        assert "NOTE:Supportzeiten: Mon–Fri" in answer.content.decode()

    @pytest.mark.parametrize(
        ("name", "escaped", "filename"),
        [
            ("A, B; C\\D", "A\\, B\\; C\\\\D", '"a-b-cd.vcf"'),
            ("A\r\nEMAIL:evil@x.example", "A\\nEMAIL:evil@x.example", '"a-emailevilxexample.vcf"'),
            ("A\u2028B\x07", "A\\nB", '"a-b.vcf"'),
            ("///", "///", '"support.vcf"'),
            (HEBREW, HEBREW, None),
        ],
    )
    def test_no_name_breaks_out_of_its_line(self, demo, name, escaped, filename):
        Partner.objects.filter(name="Nordlicht Distribution").update(name=name)
        answer = card(demo.partner(name))
        lines = answer.content.decode().split("\r\n")
        assert f"FN:{escaped}" in lines
        assert [line for line in lines if line.startswith("EMAIL")] == [
            "EMAIL;TYPE=INTERNET,WORK:support@nordlicht.example"
        ]
        if filename:
            assert answer["Content-Disposition"] == f"attachment; filename={filename}"
        else:
            assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")

    @pytest.mark.parametrize("text", ["x" * 300, "ä" * 200, "𝕏" * 100, "a" * 74 + "é", ""])
    def test_a_long_line_is_folded_within_75_octets_and_no_character_is_cut(self, text):
        folded = fold_line(text)
        assert all(len(line.encode()) <= 75 for line in folded.split("\r\n"))
        assert folded.replace("\r\n ", "") == text

    def test_text_is_escaped_as_the_standard_wants(self):
        assert escape("one\ntwo, three; four \\ five") == "one\\ntwo\\, three\\; four \\\\ five"
