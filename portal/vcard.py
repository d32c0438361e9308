"""Business cards for phones and address books: vCard 3.0 (RFC 2426).

Of 4.0 address books take over no number, and phones refuse it. What stands here all of them read alike.
"""

from django.utils.translation import gettext as _

from portal.models import Partner
from portal.phones import split_phone

_LONGEST_LINE = 75  # octets, without the line break


def escape(text: str) -> str:
    """Return ``text`` as the value of a property: nothing in it ends the value or the line."""
    lines = "\\n".join(text.replace("\\", "\\\\").splitlines())
    plain = "".join(char for char in lines if char.isprintable())
    return plain.replace(",", "\\,").replace(";", "\\;")


def fold_line(line: str) -> str:
    """Return ``line`` broken as address books want it: at 75 octets, but never within a character."""
    folded, length = [], 0
    for char in line:
        size = len(char.encode())
        if length + size > _LONGEST_LINE:
            folded.append("\r\n ")
            length = 1
        folded.append(char)
        length += size
    return "".join(folded)


def safe_url(url: str) -> str:
    """Return ``url`` without the signs that readers of cards take for the end of a value, or unescape."""
    return url.translate({ord(sign): f"%{ord(sign):02X}" for sign in ",;\\"})


def vcard(partner: Partner) -> str:
    """Return the card of a partner's support: what a customer saves to call or write when needed.

    Address books read its words in the language that is active. What the number needs beside its digits, an
    extension, is in the note: a phone would dial the letters before it.
    """
    number, extension = split_phone(partner.support_phone)
    name = escape(partner.name)
    lines = [
        "BEGIN:VCARD",
        "VERSION:3.0",
        f"UID:urn:uuid:{partner.pk}",
        # Of a firm its name stands where that of a person has the family: some read no other.
        f"N:{name};;;;",
        f"FN:{name}",
        f"ORG:{name}",
        f"TEL;TYPE=WORK,VOICE:{escape(number)}",
        f"EMAIL;TYPE=INTERNET,WORK:{escape(partner.support_email)}",
    ]
    if partner.support_website:
        lines.append(f"URL:{safe_url(partner.support_website)}")
    facts = [
        (_("Extension"), extension),
        (_("Hours"), partner.support_hours),
        (_("Languages"), ", ".join(map(str, partner.support_language_names))),
    ]
    note = "\n".join(f"{label}: {fact}" for label, fact in facts if fact)
    if note:
        lines.append(f"NOTE:{escape(note)}")
    lines.append("END:VCARD")
    return "".join(f"{fold_line(line)}\r\n" for line in lines)
