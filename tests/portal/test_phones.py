"""Phone numbers: kept in the one form that is dialled, and shown as their reader writes them."""

import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import SUPPORTED_REGIONS, PhoneNumberFormat, example_number, format_number

from portal.phones import is_kept_phone, normal_phone, phone_uri, shown_phone, split_phone

# Each way to write it, and what is kept, by the country of the firm.
WRITTEN = {
    "DE": [
        ("+49 (0)40 1234-56", "+4940123456"),
        ("+49(0)40123456", "+4940123456"),
        ("+49 040 123456", "+4940123456"),
        ("(+49) 40 123456", "+4940123456"),
        ("+ 49 40 123456", "+4940123456"),
        ("0049 (0)40 123456", "+4940123456"),
        ("00 49 40 123456", "+4940123456"),
        ("+0049 40 123456", "+4940123456"),
        ("49 40 123456", "+4940123456"),
        ("040 123456", "+4940123456"),
        ("040.123.456", "+4940123456"),
        ("(0 40) 12 34 56", "+4940123456"),
        ("[040] 123456", "+4940123456"),
        ("040 1234-0", "+494012340"),
        ("040 1234-12", "+4940123412"),
        ("040 1234 -12", "+4940123412"),
        # A slash after an area code is between no two numbers.
        ("040/123456", "+4940123456"),
        ("040 / 1234-56", "+4940123456"),
        ("(040)/123456", "+4940123456"),
        ("+49/40/123456", "+4940123456"),
        ("+49 (0) 40 / 123456", "+4940123456"),
        ("02151/123456", "+492151123456"),
        ("033638/12345", "+493363812345"),
        # What a letter, a web page or another keyboard puts for its signs.
        ("040–123456", "+4940123456"),
        ("040—1234−56", "+4940123456"),
        ("+49‑40‑123456", "+4940123456"),
        ("+49\u00a040\u202f123456", "+4940123456"),
        ("\u202a+49 40 123456\u202c", "+4940123456"),
        ("\u200b040\u00ad123456", "+4940123456"),
        ("040 · 123456", "+4940123456"),
        ("＋４９（０）４０－１２３４５６", "+4940123456"),
        ("٠٤٠ ١٢٣٤٥٦", "+4940123456"),
        ("040\t123456", "+4940123456"),
        # A spreadsheet's sign for "this is text".
        ("'+49 40 123456", "+4940123456"),
        ("’040 123456", "+4940123456"),
        # What stands before it.
        ("Tel.: 040 123456", "+4940123456"),
        ("Tel.-Nr.: 040 123456", "+4940123456"),
        ("TELEFON 040 123456", "+4940123456"),
        ("Mobil: 0171 1234567", "+491711234567"),
        ("T +49 40 123456", "+4940123456"),
        ("☎️ 040 123456", "+4940123456"),
        ("tel:+49-40-123456", "+4940123456"),
        # Numbers that are dialled alike everywhere in the country.
        ("0800 330 1000", "+498003301000"),
        ("0800/3301000", "+498003301000"),
        ("0180 5 123456", "+491805123456"),
        ("0900-1-123456", "+499001123456"),
        ("0137 7 123456", "+491377123456"),
        ("+800 1234 5678", "+80012345678"),
        ("00800 1234 5678", "+80012345678"),
        # Extensions.
        ("040 1234567 ext. 12", "+49401234567;ext=12"),
        ("040 1234567, ext 12", "+49401234567;ext=12"),
        ("040 1234567 Extension: 12", "+49401234567;ext=12"),
        ("+49 40 1234567x123", "+49401234567;ext=123"),
        ("040 1234567 x 123", "+49401234567;ext=123"),
        ("040 1234567#12", "+49401234567;ext=12"),
        ("040 1234567 (DW 12)", "+49401234567;ext=12"),
        ("040 1234567 - Durchwahl: -12", "+49401234567;ext=12"),
        ("040 1234567-DW 12", "+49401234567;ext=12"),
        ("040 1234567 DW -12", "+49401234567;ext=12"),
        ("040 1234567 Durchwahl 12", "+49401234567;ext=12"),
        ("030 1234567 App. 5", "+49301234567;ext=5"),
        ("030 1234567 Apparat 5", "+49301234567;ext=5"),
        ("030 1234567 Nst. 5", "+49301234567;ext=5"),
        ("030 1234567 Nebenstelle: 5", "+49301234567;ext=5"),
        ("tel:+49-40-1234567;ext=12", "+49401234567;ext=12"),
        # What can't be dialled from abroad.
        ("116117", "116117;phone-context=+49"),
        ("116 117", "116117;phone-context=+49"),
        ("+49 116117", "116117;phone-context=+49"),
        ("tel:116117;phone-context=+49", "116117;phone-context=+49"),
        ("tel:123456;phone-context=+4940", "+4940123456"),
        ("116117 DW 5", "116117;ext=5;phone-context=+49"),
        # Numbers of other countries.
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("+39 (0)6 698 12345", "+390669812345"),
        ("001 206 555 0188", "+12065550188"),
    ],
    "AT": [
        ("01 5550200", "+4315550200"),
        ("01/5550200", "+4315550200"),
        ("+43 (0) 512 / 123456-0", "+435121234560"),
        ("0664 1234567", "+436641234567"),
        ("01 5550200 Klappe 12", "+4315550200;ext=12"),
        ("01 5550200 Kl. 12", "+4315550200;ext=12"),
        ("116117", "116117;phone-context=+43"),
    ],
    "CH": [
        ("044 123 45 67", "+41441234567"),
        ("0041 (0)44 123 45 67", "+41441234567"),
        ("+41 44 123 45 67-12", "+41441234567;ext=12"),
        ("0848 123 456", "+41848123456"),
    ],
    "IT": [
        ("06 698 12345", "+390669812345"),
        ("+39 (0)6 698 12345", "+390669812345"),
        ("0039 06/69812345", "+390669812345"),
        ("333 1234567", "+393331234567"),
        ("+39 (0)333 1234567", "+393331234567"),
        ("06 69812345 interno 3", "+390669812345;ext=3"),
        ("848 123 456", "848123456;phone-context=+39"),
    ],
    "GB": [
        ("020 7946 0018", "+442079460018"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("0800 1111", "+448001111"),
        ("+44 20 7946 0018 x12", "+442079460018;ext=12"),
    ],
    "US": [
        ("1-800-356-9377", "+18003569377"),
        ("(206) 555-0188", "+12065550188"),
        ("206/555-0188", "+12065550188"),
        ("206-555-0188 x12", "+12065550188;ext=12"),
        ("206-555-0188 ext. #12", "+12065550188;ext=12"),
        ("206-555-0188-12", "+12065550188;ext=12"),
        ("206-555-0188,,12", "+12065550188;ext=12"),
        ("011 49 40 123456", "+4940123456"),
        ("0049 40 123456", "+4940123456"),
    ],
    "FR": [
        ("01.23.45.67.89", "+33123456789"),
        ("01 23 45 67 89 poste 12", "+33123456789;ext=12"),
        ("3900", "3900;phone-context=+33"),
    ],
    "NL": [("020-1234567", "+31201234567"), ("14 020", "14020;phone-context=+31")],
    "HU": [("06 1 234 5678", "+3612345678"), ("+36 (0)1 234 5678", "+3612345678")],
    "PL": [("+48 22 123 45 67 wew. 12", "+48221234567;ext=12")],
    "": [("+49 40 123456", "+4940123456")],
}

SEVERAL = "These are several numbers. Enter one number a field."
WORDS = "Write the number in digits. A word may only stand before its extension: ext. 12."
NONE = "This is not a phone number."
LONG = "The number is too long for Germany. Write it like +49 30 123456."
NO_NUMBER = (
    "This is no number of Germany. Write it with its area code, like 030 123456, or with + and the code of"
    " another country."
)
WITH_CODE = "Write the number with + and the code of its country, such as +49 40 123456."
EMERGENCY = "This is an emergency number. Enter one of the firm itself."
REFUSED = [
    ("DE", "+49 40 123456/57", SEVERAL),
    ("DE", "040 123456 / 040 123457", SEVERAL),
    ("DE", "040 123456, 040 123457", SEVERAL),
    ("DE", "040 123456; 040 123457", SEVERAL),
    ("DE", "040 123456 oder 57", SEVERAL),
    ("DE", "089/12345-67/68", SEVERAL),
    ("DE", "030-1234567/-68", SEVERAL),
    ("DE", "040 123456 or 040 123457", SEVERAL),
    ("DE", "040 123456 und -57", SEVERAL),
    ("DE", "040 123456 bis 59", SEVERAL),
    ("DE", "040 123456 & 57", SEVERAL),
    ("DE", "040 123456\n040 123457", SEVERAL),
    ("DE", "+49 40 123456 +49 171 1234567", SEVERAL),
    ("DE", "+49 40 123456 (+49 171 1234567)", SEVERAL),
    ("US", "206-555-0188, 206-555-0189", SEVERAL),
    ("US", "1-800-FLOWERS", WORDS),
    ("DE", "0800 HILFE24", WORDS),
    ("DE", "040 123456 (Zentrale)", WORDS),
    ("DE", "Fax: 040 123456", WORDS),
    ("DE", "030 1234567 Whatsapp 5", WORDS),
    ("DE", "call me", WORDS),
    ("DE", "*21#", NONE),
    ("DE", "---", NONE),
    ("DE", "040 123456\x00", NONE),
    ("DE", "0" * 65, NONE),
    ("DE", "+49 40 1234567890123456789012", LONG),
    ("DE", "+49 40 12345678901234", LONG),
    ("US", "1-206-555-01881", "The number is too long for {US}. Write it like (201) 555-0123."),
    ("US", "555018", "The number is too short for {US}. Write it like (201) 555-0123."),
    ("DE", "1", "The number is too short for Germany. Write it like 030 123456."),
    ("DE", "123456", NO_NUMBER),
    ("DE", "5550100", NO_NUMBER),
    # A spreadsheet took the zero away.
    ("DE", "40 123456", NO_NUMBER),
    ("DE", "020 7946 0018", NO_NUMBER),
    ("DE", "-12", NO_NUMBER),
    ("DE", "+999 123456", WITH_CODE),
    ("", "040 123456", WITH_CODE),
    ("", "116117", WITH_CODE),
    # Antarctica has no numbers of its own.
    ("AQ", "040 123456", WITH_CODE),
    ("DE", "110", EMERGENCY),
    ("DE", "112", EMERGENCY),
    ("US", "911", EMERGENCY),
]


def refusal(text, country):
    with pytest.raises(ValidationError) as error:
        normal_phone(text, country)
    [message] = error.value.messages
    return message


@pytest.mark.parametrize(
    ("country", "text", "kept"),
    [(country, *one) for country, ways in WRITTEN.items() for one in ways],
)
def test_every_way_to_write_a_number_is_kept_in_one_form(country, text, kept):
    assert normal_phone(text, country) == kept
    assert is_kept_phone(kept)
    assert normal_phone(kept) == kept
    assert phone_uri(kept) == f"tel:{kept}"


@pytest.mark.parametrize(("country", "text", "message"), REFUSED)
def test_what_nobody_could_dial_is_refused_with_the_reason(country, text, message):
    assert refusal(text, country) == message.format(US="United States")


def test_italy_alone_keeps_its_zero():
    """Of one that lacks it nobody knows whom it calls."""
    assert "This is no number of Italy." in refusal("+39 6 69812345", "IT")


@pytest.mark.parametrize(
    ("kept", "reader", "shown"),
    [
        ("+4940123456", "DE", "040 123456"),
        ("+4940123456", "AT", "+49 40 123456"),
        ("+4940123456", "", "+49 40 123456"),
        ("+4940123456", "AQ", "+49 40 123456"),
        ("+390669812345", "IT", "06 6981 2345"),
        ("+390669812345", "DE", "+39 06 6981 2345"),
        ("+442079460018", "GB", "020 7946 0018"),
        ("+12065550188", "US", "(206) 555-0188"),
        ("+12065550188", "DE", "+1 206-555-0188"),
        ("+80012345678", "DE", "+800 1234 5678"),
        ("+49401234567;ext=12", "DE", "040 1234567 ext. 12"),
        ("+49401234567;ext=12", "FR", "+49 40 1234567 ext. 12"),
        ("116117;phone-context=+49", "DE", "116117"),
        ("116117;phone-context=+49", "FR", "116117"),
        ("848123456;phone-context=+39", "", "848 123 456"),
        ("+49 40 123456/57", "DE", "+49 40 123456/57"),
        ("see our website", "DE", "see our website"),
        ("", "DE", ""),
    ],
)
def test_it_is_shown_as_its_reader_writes_it(kept, reader, shown):
    assert shown_phone(kept, reader) == shown


def test_the_word_before_an_extension_is_the_readers_and_is_read_back():
    with override("de"):
        shown = shown_phone("+49401234567;ext=12", "DE")
    assert shown == "040 1234567 Durchwahl 12"
    assert normal_phone(shown, "DE") == "+49401234567;ext=12"


@pytest.mark.parametrize("text", ["+49 40 123456/57", "see our website", "", "+4940;ext=", "+49\n"])
def test_what_can_not_be_read_is_dialled_by_nobody(text):
    assert phone_uri(text) == ""
    assert split_phone(text) == (text, "")


def test_a_card_has_the_number_and_its_extension_apart():
    assert split_phone("+49401234567;ext=12") == ("+49401234567", "12")
    assert split_phone("116117;phone-context=+49") == ("116117", "")


@pytest.mark.parametrize("region", sorted(SUPPORTED_REGIONS))
def test_every_country_reads_its_own_form_and_the_international_one(region):
    number = example_number(region)
    ways = {
        normal_phone(format_number(number, style), region)
        for style in (
            PhoneNumberFormat.NATIONAL,
            PhoneNumberFormat.INTERNATIONAL,
            PhoneNumberFormat.RFC3966,
        )
    }
    assert len(ways) == 1
    [kept] = ways
    assert normal_phone(shown_phone(kept, region), region) == kept
    assert normal_phone(shown_phone(kept), region) == kept


@given(
    st.text(alphabet="+0123456789 ()/-.,;x#DWext=\u00a0–", max_size=30) | st.text(max_size=30),
    st.sampled_from(["DE", "IT", "US", "AQ", ""]),
)
def test_whatever_is_typed_is_refused_in_words_or_kept_and_read_back(text, country):
    try:
        kept = normal_phone(text, country)
    except ValidationError:
        return
    assert is_kept_phone(kept)
    assert normal_phone(kept) == kept
