"""Business cards for phones and address books: vCard 4.0 (RFC 6350)."""

from portal.phones import phone_uri

_LONGEST_LINE = 75  # octets, without the line break


def escape(text):
    """Return ``text`` as the value of a property: nothing in it ends the value or the line."""
    lines = "\\n".join(text.replace("\\", "\\\\").splitlines())
    plain = "".join(char for char in lines if char.isprintable())
    return plain.replace(",", "\\,").replace(";", "\\;")


def fold_line(line):
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


def vcard(partner, *, hours_label):
    """Return the card of a partner's support: what a customer saves to call or write when needed."""
    lines = [
        "BEGIN:VCARD",
        "VERSION:4.0",
        "KIND:org",
        f"UID:urn:uuid:{partner.pk}",
        f"FN:{escape(partner.name)}",
        f"ORG:{escape(partner.name)}",
        f'TEL;VALUE=uri;TYPE="work,voice":{phone_uri(partner.support_phone)}',
        f"EMAIL;TYPE=work:{escape(partner.support_email)}",
    ]
    if partner.support_website:
        lines.append(f"URL:{partner.support_website}")
    lines += [
        f"LANG;PREF={preference}:{code}"
        for preference, code in enumerate(partner.support_languages, start=1)
    ]
    if partner.support_hours:
        lines.append(f"NOTE:{escape(f'{hours_label}: {partner.support_hours}')}")
    lines.append("END:VCARD")
    return "".join(f"{fold_line(line)}\r\n" for line in lines)
