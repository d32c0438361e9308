"""The German catalogue: complete, in step with the sources, and in the words of the product.

``make messages`` brings it up to date. What the sources mark for translation is read here without
GNU gettext, so these tests say the same on every machine: Python by its syntax tree, templates by
the translation that Django itself hands to xgettext.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import polib
import pytest
from django import contrib
from django.apps import apps
from django.conf import settings
from django.contrib.admin import site
from django.contrib.admin.utils import flatten
from django.template import TemplateSyntaxError
from django.test import RequestFactory
from django.utils.formats import get_format
from django.utils.functional import Promise
from django.utils.translation import gettext, override, templatize

from portal.django_texts import TEXTS
from portal.models import User

FOLDER = Path(settings.BASE_DIR, "locale", "de", "LC_MESSAGES")

CALLS = {f"{kind}gettext{suffix}" for kind in ("", "n", "p", "np") for suffix in ("", "_lazy")} | {
    "gettext_noop",
    "_",
}

# A call in a translated template: its name, and its arguments as far as they are literals.
LITERAL = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
TEMPLATE_CALL = re.compile(rf"\b(n?p?gettext|_)\(\s*({LITERAL}(?:\s*,\s*{LITERAL})*)", re.DOTALL)

PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%[sd%]|\{\w*\}")

# The menus and buttons that partners and customers know by these very words.
PROMISED = {
    "Customers": "Kunden",
    "Subscriptions": "Abonnements",
    "Relationship requests": "Beziehungsanfragen",
    "Indirect resellers": "Indirekte Handelspartner",
    "Indirect providers": "Indirekte Anbieter",
    "Activity log": "Aktivitätsprotokoll",
    "Settings": "Einstellungen",
    "Support": "Support",
    "Partner relationships": "Partnerbeziehungen",
    "Designated support contact": "Designierter Supportkontakt",
    "Submit": "Senden",
    "Close": "Schließen",
}

# Wherever an English text uses the first, the German one uses the second.
TERMS = {
    r"designated support contact": r"designierte[nr]? supportkontakt",
    r"support contacts?": r"supportkontakt",
    r"delegated admin privileges": r"delegierten? administratorrechte",
    r"subscriptions?": r"abonnement",
    r"customers?": r"kunde",
    r"indirect resellers?": r"indirekte[rn]? handelspartner",
    r"resellers? of record": r"eingetragene[rn]? handelspartner",
    r"resellers?": r"handelspartner",
    r"providers?": r"anbieter",
    r"sellers?": r"verkäufer",
    r"partnerships?": r"partnerschaft",
    r"mpn id": r"mpn-id",
    r"emails?": r"e-mail",
    r"(?<!dear )(?<!dear global )admins?": r"administrat",
    r"domains?": r"domäne",
    r"firms?": r"firm(a|en)",
    r"compan(y|ies)": r"unternehmen",
    r"staff": r"mitarbeitende",
    r"bought elsewhere": r"anderweitig erworben",
    r"set (a|the|your)( new)? password": r"fest(leg|zuleg|geleg|\b)",
    r"empty(?=:)": r"leer:",
}

# Django's mail about a forgotten password is not sent: the portal's is.
NOT_SHOWN = {"In case you’ve forgotten, you are:"}

# Words that the German texts do not use, beside the one that they do.
NEVER = {
    r"admins?": "Administrator",
    r"domains?": "Domäne",
    r"(?<!-)mails?": "E-Mail",
    r"nachricht(en)?": "E-Mail",
    r"mailprogramm": "E-Mail-Programm",
    r"mitarbeitern?": "Mitarbeitende",
    r"anderswo": "anderweitig",
    r"zwischenzeitlich": "inzwischen",
}


@cache
def catalogue() -> polib.POFile:
    return polib.pofile(str(FOLDER / "django.po"))


def german(entry: polib.POEntry | polib.MOEntry) -> list[str]:
    """The German texts of an entry: one, or one for each plural form."""
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def all_german() -> list[str]:
    return [text for entry in catalogue() for text in german(entry)]


def source_files(*suffixes: str) -> list[Path]:
    """The files of the portal itself, as opposed to those of the packages it uses."""
    ours = [app.path for app in apps.get_app_configs()]
    folders = [Path(path) for path in ours if Path(path).parent == Path(settings.BASE_DIR)]
    folders += [Path(path) for engine in settings.TEMPLATES for path in engine["DIRS"]]
    return sorted(
        path for folder in folders for path in folder.rglob("*") if path.suffix in suffixes
    )


def key(function: str, texts: list[str]) -> tuple[str | None, str]:
    """What a call looks up: the context, if it names one, and the English text."""
    return (texts[0], texts[1]) if "pgettext" in function else (None, texts[0])


def texts_of_python(path: Path) -> Iterator[tuple[str | None, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        function = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if function not in CALLS:
            continue
        needed = 1 + ("pgettext" in function) + function.startswith("n")
        texts = [one.value for one in node.args[:needed] if isinstance(one, ast.Constant)]
        # Whatever is put together while the portal runs is in no catalogue.
        assert len(texts) == needed, f"{path}:{node.lineno}: {function}() needs a plain text"
        yield key(function, texts)


def texts_of_template(path: Path) -> Iterator[tuple[str | None, str]]:
    try:
        translated = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    except (SyntaxError, TemplateSyntaxError) as error:
        pytest.fail(f"{path}: {error}")
    for function, arguments in TEMPLATE_CALL.findall(translated):
        yield key(function, list(ast.literal_eval(f"({arguments},)")))


@cache
def marked() -> dict[tuple[str | None, str], Path]:
    """Every text that the sources mark for translation, with a file that does."""
    found = {}
    for path in source_files(".py"):
        found |= dict.fromkeys(texts_of_python(path), path)
    for path in source_files(".html", ".txt"):
        found |= dict.fromkeys(texts_of_template(path), path)
    return found


def test_every_text_of_the_sources_is_in_the_catalogue():
    held = {(entry.msgctxt, entry.msgid) for entry in catalogue() if not entry.obsolete}
    missing = {text: str(path) for text, path in marked().items() if text not in held}
    assert not missing, "Run make messages and translate these."


def test_every_text_of_the_catalogue_is_used_by_the_sources():
    unused = [entry.msgid for entry in catalogue() if (entry.msgctxt, entry.msgid) not in marked()]
    assert not unused, "Run make messages and remove what it comments out at the end."


def test_nothing_is_left_untranslated_or_uncertain():
    assert [one.msgid for one in catalogue() if not all(german(one))] == []
    assert [one.msgid for one in catalogue() if one.fuzzy or one.previous_msgid] == []
    assert [one.msgid for one in catalogue().obsolete_entries()] == []


def test_every_plural_has_both_german_forms():
    assert catalogue().metadata["Plural-Forms"] == "nplurals=2; plural=(n != 1);"
    plurals = [entry for entry in catalogue() if entry.msgid_plural]
    assert plurals
    assert [one.msgid for one in plurals if sorted(one.msgstr_plural) != [0, 1]] == []


def test_placeholders_are_those_of_the_english_text():
    different = [
        (entry.msgid, text)
        for entry in catalogue()
        for text in german(entry)
        if sorted(PLACEHOLDER.findall(text))
        != sorted(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    ]
    assert different == []


def test_the_compiled_catalogue_holds_what_the_readable_one_says():
    compiled = polib.mofile(str(FOLDER / "django.mo"))
    assert {(one.msgctxt, one.msgid): german(one) for one in compiled} == {
        (one.msgctxt, one.msgid): german(one) for one in catalogue() if not one.obsolete
    }
    assert compiled.metadata["Plural-Forms"] == catalogue().metadata["Plural-Forms"]


def test_the_header_names_the_language_and_no_person():
    assert catalogue().metadata["Language"] == "de"
    assert catalogue().metadata["Project-Id-Version"] == "partner-portal"
    header = " ".join([catalogue().header, *catalogue().metadata.values()])
    assert "@" not in header
    assert not {"Last-Translator", "Language-Team"} & set(catalogue().metadata)


def test_menus_and_buttons_use_the_promised_words():
    used = {english: word for english, word in PROMISED.items() if (None, english) in marked()}
    assert {"Customers", "Support", "Designated support contact", "Submit", "Close"} <= set(used)
    with override("de"):
        assert {english: gettext(english) for english in used} == used


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_translated_in_one_way(term):
    english, wanted = re.compile(rf"\b{term}\b", re.IGNORECASE), re.compile(TERMS[term])
    entries = [one for one in catalogue() if english.search(PLACEHOLDER.sub("", one.msgid))]
    assert entries, "No text uses this term any more."
    texts = [text for entry in entries for text in german(entry)]
    assert [text for text in texts if not wanted.search(text.lower())] == []


@pytest.mark.parametrize("word", NEVER)
def test_one_thing_has_one_word(word):
    other = re.compile(rf"\b{word}\b", re.IGNORECASE)
    assert [text for text in all_german() if other.search(PLACEHOLDER.sub("", text))] == [], NEVER[
        word
    ]


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_day_and_a_moment_have_one_form_in_each_language(language):
    """Whichever of Django's formats a page asks for; for machines times are written as ISO 8601 says."""
    with override(language):
        for kind in ("DATE_FORMAT", "DATETIME_FORMAT"):
            assert get_format(f"SHORT_{kind}") == get_format(kind)
        assert get_format("DATETIME_FORMAT") == f"{get_format('DATE_FORMAT')}, H:i"
    asked = {
        found
        for path in source_files(".html", ".txt")
        for found in re.findall(
            r"""\|(?:date|time)(?!\w)(?::["']([^"']*)["'])?""", path.read_text()
        )
    }
    assert asked == {"DATE_FORMAT", "DATETIME_FORMAT", "c", "T"}


def test_what_django_says_in_english_only_is_translated_here():
    """In its own pages; see ``portal.django_texts``. What Django has learned to say in German goes."""
    texts, said = set(), set()
    for app in ("admin", "auth"):
        folder = Path(contrib.__path__[0], app, "locale")
        english, german_ones = (
            polib.pofile(str(folder / language / "LC_MESSAGES" / "django.po"))
            for language in ("en", "de")
        )
        texts |= {one.msgid for one in english}
        said |= {one.msgid for one in german_ones.translated_entries()}
    assert texts - said - NOT_SHOWN == set(TEXTS)


def test_django_admin_names_its_fields_in_german(db):
    """Each field that a page of Django admin shows has a name and a help text that are translated."""
    english = []
    operator = User(is_staff=True, is_active=True)
    request = RequestFactory().get("/admin/")
    request.user = operator
    for model, page in site._registry.items():
        shown = {*flatten(page.get_fields(request)), *page.get_list_display(request)}
        shown |= {item[0] if isinstance(item, tuple) else item for item in page.list_filter}
        for field in model._meta.concrete_fields:
            texts = [field.verbose_name, *([field.help_text] if field.help_text else [])]
            if field.name in shown and not field.primary_key:
                english += [(model, field.name) for text in texts if not isinstance(text, Promise)]
    assert english == []


def test_people_are_addressed_as_sie():
    familiar = re.compile(r"\b(du|dich|dir|dein\w*|euch|euer|eure[mnrs]?)\b", re.IGNORECASE)
    assert [text for text in all_german() if familiar.search(text)] == []


def test_quotation_marks_are_german():
    pair = re.compile('„[^„“”"]*“')
    assert [text for text in all_german() if re.search('[„“”"]', pair.sub("", text))] == []
