"""Phone numbers in the one form in which the portal keeps them, and in those that people read and dial.

Kept is E.164 with the extension as RFC 3966 writes it, ``+49401234;ext=12``. What can't be dialled from
abroad, as ``116117``, is kept as it is dialled inside its country, whose code stands beside it:
``116117;phone-context=+49``. So what is kept, after ``tel:``, is what a phone dials.
"""

import re
import unicodedata
from collections.abc import Iterator

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_countries import countries
from django_countries.fields import Country
from phonenumbers import (
    CountryCodeSource,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    ValidationResult,
    can_be_internationally_dialled,
    country_code_for_region,
    example_number,
    format_number,
    is_carrier_specific_for_region,
    is_emergency_number,
    is_possible_number_with_reason,
    is_sms_service_for_region,
    is_valid_number,
    is_valid_short_number_for_region,
    national_significant_number,
    parse,
    region_code_for_country_code,
)

# So long a number is at most as people write it, and as it is kept.
LONGEST_PHONE = 64
# For a database: what is in another form can't be read.
KEPT_PHONE = (
    r"^(\+[0-9]{4,15}(;ext=[0-9]{1,11})?"
    r"|[0-9]{2,15}(;ext=[0-9]{1,11})?;phone-context=\+[0-9]{1,3})$"
)
_KEPT = re.compile(
    r"(?P<number>\+?[0-9]{2,15})(;ext=(?P<extension>[0-9]{1,11}))?(;phone-context=\+(?P<code>[0-9]{1,3}))?"
)
PHONE_HINT = gettext_lazy(
    "One number, with its area code, such as 040 123456; one of another country with + and that country's"
    " code. An extension comes last, such as ext. 12."
)

_UNKNOWN = "ZZ"  # the library's country for what belongs to none

# Signs that stand for others, where a letter, a web page or another keyboard has them.
_DASHES, _SPACES, _SLASHES = "\u2212\u02d7\u2043\u30fc", "\u00b7\u2022\u2219\u22c5", "\u2044\u2215"
_QUOTES = "\u2018\u2019\u201c\u201d\u201e"
_PICTURES = re.compile("[\u260e\u260f\u2706\u2121\U0001f4de\U0001f4f1\ufe0e\ufe0f]")
_TITLE = re.compile(
    r"\W*(tel|telefon|telefonnummer|telephone|t[eé]l[eé]phone|tel[eé]fono|telefoon|t[eé]l|phone|ph|fon|mobil"
    r"|mobile|mob|handy|cell|call|callto|hotline|[tpm](?=[\s.:+]))\b(?!\s*[-/]?\s*(fax|durchwahl))[\s.:#-]*(nr\b|no\b)?[\s.:]*",
    re.IGNORECASE,
)
_EXTENSION = re.compile(
    r"[\s,;:./-]*[(\[]?[\s-]*(?:,,+|(?<![^\W\d_])(?:extension|extensión|extn|ext|x|durchwahl|durchw|dw|apparat|app|"
    r"nebenstelle|nst|klappe|kl|interno|intern|int|poste|toestel|tst|wewn|wew|linka|lokal|anexo)|#)"
    r"\s*[.:=#-]*\s*(?:(?:nr|no)\b\.?)?\s*[.:=#-]*\s*([0-9]{1,11})\s*[)\]]?[\s.]*\Z",
    re.IGNORECASE,
)
_CONTEXT = re.compile(r";phone-context=\+?([0-9]+)", re.IGNORECASE)
_DIALLED_IN = re.compile(r"(.*[0-9]\)?)\s*-\s*([0-9]{1,5})")
_SEVERAL = re.compile(
    r"[,;|&\n\r]|[0-9][^0-9]*\+|(?<![^\W\d_])(or|oder|ou|und|and|et|bzw|bis|sowie)(?![^\W\d_])",
    re.IGNORECASE,
)
_AREA_CODE = re.compile(r"(\(?(?:\+|00)[0-9]{1,3}\)?\s*)?(?:\(0\)\s*)?\(?(0?[1-9][0-9]{0,4})\)?\s*")
# Why the library can't read a text, as it says what is wrong with a number.
_UNREADABLE = {
    NumberParseException.INVALID_COUNTRY_CODE: ValidationResult.INVALID_COUNTRY_CODE,
    NumberParseException.NOT_A_NUMBER: ValidationResult.TOO_SHORT,
    NumberParseException.TOO_SHORT_AFTER_IDD: ValidationResult.TOO_SHORT,
    NumberParseException.TOO_SHORT_NSN: ValidationResult.TOO_SHORT,
    NumberParseException.TOO_LONG: ValidationResult.TOO_LONG,
}

_ALLOWED = re.compile(r"[+0-9()/. -]+")


def normal_phone(text: str, country: Country | str = "") -> str:
    """Return the phone number that ``text`` writes, in the form that is kept.

    A firm in ``country``, a code of ISO 3166, writes it: without a country code it is a number there. Raises
    ``ValidationError`` with code ``several`` for more than one number, with ``words`` for letters
    other than those of an extension, with ``emergency``, and with ``phone`` for what nobody could dial.
    """
    if len(text) > LONGEST_PHONE:
        raise ValidationError(_("This is not a phone number."), code="phone")
    plain, country = _plain(text), str(country or "")
    if context := _CONTEXT.search(plain):
        plain = plain.replace(context[0], "")
        country = region_code_for_country_code(int(context[1]))
        if (
            country == _UNKNOWN
        ):  # which is then more than the code of a country: the area of the number, too
            plain = f"+{context[1]}{plain}"
    plain, extension = _without_extension(plain)
    _require_one(plain, country)
    if any(char.isalpha() for char in plain):
        raise ValidationError(
            _("Write the number in digits. A word may only stand before its extension: ext. 12."),
            code="words",
        )
    if not _ALLOWED.fullmatch(plain):
        raise ValidationError(_("This is not a phone number."), code="phone")
    kept = _dialled(plain, country)
    if not kept and not extension and (dialled_in := _DIALLED_IN.fullmatch(plain)):
        kept, extension = _dialled(dialled_in[1], country), dialled_in[2]
    if not kept:
        raise _refusal(plain, country)
    if extension:
        number, separator, code = kept.partition(";")
        kept = f"{number};ext={extension}{separator}{code}"
    return kept


def is_kept_phone(text: str) -> bool:
    """Whether ``text`` is a number in the form that is kept; else it was stored before and can't be read."""
    return re.fullmatch(KEPT_PHONE, text) is not None


def shown_phone(kept: str, country: Country | str = "") -> str:
    """Return a kept number as a reader in ``country`` writes it: in its own country without the country code.

    What can't be dialled from abroad stands as in its country, and what can't be read as it is stored.
    """
    found = _KEPT.fullmatch(kept)
    if not found or not is_kept_phone(kept):
        return kept
    code = int(found["code"] or 0)
    number = _read(found["number"], region_code_for_country_code(code) if code else None)
    if number is None:
        return kept
    is_national = code or number.country_code == country_code_for_region(str(country or _UNKNOWN))
    style = PhoneNumberFormat.NATIONAL if is_national else PhoneNumberFormat.INTERNATIONAL
    shown = format_number(number, style)
    if found["extension"]:
        shown = _("%(number)s ext. %(extension)s") % {
            "number": shown,
            "extension": found["extension"],
        }
    return shown


def phone_uri(kept: str) -> str:
    """Return the URI (RFC 3966) that dials a kept number, or nothing for what can't be read."""
    return f"tel:{kept}" if is_kept_phone(kept) else ""


def bring_phones_into_form(rows: QuerySet, field: str) -> None:
    """Bring the phone numbers in ``field`` of ``rows`` into the form that is kept, for a migration.

    What can't be read stays, and in another form than those that can: it is told by that.
    """
    for pk, text, country in list(rows.exclude(**{field: ""}).values_list("pk", field, "country")):
        try:
            form = normal_phone(text, country)
        except ValidationError:
            form = f"{text[:3]} {text[3:]}" if is_kept_phone(text) else text
        if form != text:
            rows.filter(pk=pk).update(**{field: form})


def split_phone(kept: str) -> tuple[str, str]:
    """Return a kept number and its extension, each to be dialled as it is; of others the text."""
    found = is_kept_phone(kept) and _KEPT.fullmatch(kept)
    return (found["number"], found["extension"] or "") if found else (kept, "")


def _plain(text: str) -> str:
    """Return ``text`` with the signs of a plain keyboard, without what stands before and after a number."""
    plain = "".join(map(_plain_sign, _PICTURES.sub("", text))).strip(" '\"")
    if title := _TITLE.match(plain):
        plain = plain[title.end() :]
    return plain.strip(" .,;:/-'\"\t\r\n")


def _plain_sign(char: str) -> str:
    if char.isascii():
        return {"[": "(", "]": ")", "\t": " "}.get(char, char)
    kind = unicodedata.category(char)
    if kind == "Nd":
        return str(unicodedata.decimal(char))
    if "\uff01" <= char <= "\uff5e":  # the wide forms of ASCII
        return chr(ord(char) - 0xFEE0)
    if kind == "Pd" or char in _DASHES:
        return "-"
    if kind == "Zs" or char in _SPACES:
        return " "
    if char in _SLASHES:
        return "/"
    if char in _QUOTES:
        return "'"
    return "" if kind == "Cf" else char  # marks of direction, soft hyphens, zero-width spaces


def _without_extension(plain: str) -> tuple[str, str]:
    found = _EXTENSION.search(plain)
    if not found:
        return plain, ""
    return plain[: found.start()], found[1]


def _require_one(plain: str, country: str) -> None:
    """Refuse two numbers. A slash after an area code is none between numbers, as in ``040/123456``."""
    several = bool(_SEVERAL.search(plain))
    for slash in re.finditer("/", plain):
        before = plain[: slash.start()]
        several = several or bool(
            not _AREA_CODE.fullmatch(before)
            and _ALLOWED.fullmatch(before)
            and _dialled(before, country)
        )
    if several:
        raise ValidationError(
            _("These are several numbers. Enter one number a field."), code="several"
        )


def _ways_to_read(plain: str) -> Iterator[str]:
    """Yield ``plain`` as it stands, then with ``00`` read as +, and with a ``(0)`` that is not dialled."""
    international = re.sub(r"\A\(?\s*\+?\s*00", "+", plain)
    for way in dict.fromkeys([plain, international]):
        yield way
        if "(0)" in way:
            yield way.replace("(0)", " ")


def _dialled(plain: str, country: str) -> str:
    """Return the number as it is kept, without an extension, or nothing where nobody could dial it."""
    for way in _ways_to_read(plain):
        number = _read(way, country)
        if number is None:
            continue
        national = national_significant_number(number)
        is_typed_inside = number.country_code_source == CountryCodeSource.FROM_DEFAULT_COUNTRY
        inside = _digits(format_number(number, PhoneNumberFormat.NATIONAL))
        typed = _digits(way)
        if is_valid_number(number) and not (is_typed_inside and typed == national != inside):
            number.extension = None
            if can_be_internationally_dialled(number):
                return format_number(number, PhoneNumberFormat.E164)
            return f"{inside};phone-context=+{number.country_code}"
        region = (
            country if is_typed_inside else region_code_for_country_code(number.country_code or 0)
        )
        if _is_short(number, region):
            if is_emergency_number(national, region):
                raise ValidationError(
                    _("This is an emergency number. Enter one of the firm itself."),
                    code="emergency",
                )
            return f"{national};phone-context=+{number.country_code}"
    return ""


def _is_short(number: PhoneNumber, region: str) -> bool:
    """Whether everybody in ``region`` can call the number, though it is none that is called from abroad."""
    return (
        is_valid_short_number_for_region(number, region)
        and not is_sms_service_for_region(number, region)
        and not is_carrier_specific_for_region(number, region)
    )


def _read(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return parse(text, region or None, keep_raw_input=True)
    except NumberParseException:
        return None


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _refusal(plain: str, country: str) -> ValidationError:
    """Return what is wrong with a number that nobody could dial."""
    region = country
    for way in _ways_to_read(plain):
        try:
            number = parse(way, country or None)
            break
        except NumberParseException as error:
            reason = error.error_type
    else:
        number = None
        reason = _UNREADABLE.get(reason, reason)
    if number:
        if number.country_code != country_code_for_region(country or _UNKNOWN):
            region = region_code_for_country_code(number.country_code or 0)
        reason = is_possible_number_with_reason(number)
    if not region or reason == ValidationResult.INVALID_COUNTRY_CODE:
        message = _("Write the number with + and the code of its country, such as +49 40 123456.")
    elif reason == ValidationResult.TOO_LONG:
        message = _("The number is too long for %(country)s. Write it like %(example)s.")
    elif reason == ValidationResult.TOO_SHORT:
        message = _("The number is too short for %(country)s. Write it like %(example)s.")
    else:
        message = _(
            "This is no number of %(country)s. Write it with its area code, like %(example)s, or with + and"
            " the code of another country."
        )
    is_near = region == country and not plain.startswith("+")
    style = PhoneNumberFormat.NATIONAL if is_near else PhoneNumberFormat.INTERNATIONAL
    example = region and example_number(region)
    params = {
        "country": countries.name(region) or (number and f"+{number.country_code}"),
        "example": example and format_number(example, style),
    }
    return ValidationError(message, code="phone", params=params)
