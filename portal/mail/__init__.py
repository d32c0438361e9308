"""Mail to the people of the portal, each in its own language.

Mail is queued in the database, in the transaction of the change it tells of: what is rolled back is
never sent, and a mail server that is down loses nothing. ``manage.py worker`` delivers it.
"""

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from portal import links
from portal.zones import zone_of

if TYPE_CHECKING:
    from portal.models import Partner, User
    from portal.models.notices import Mailbox

# Longer names of firms are cut, so that what follows them in the name of a sender is still read.
LONGEST_NAME = 60


class Message(EmailMultiAlternatives):
    """One mail, with what the queue knows of it beside its words, see ``portal.models.Mail``."""

    about: Any = None
    sent_by: "User | None" = None
    due_at: datetime | None = None


def send(name: str, users: Iterable["User"], **context: Any) -> None:
    """Queue the mail ``name`` for each of ``users``."""
    send_each(name, ((user, context) for user in users))


def send_each(name: str, addressed: "Iterable[tuple[User | Mailbox, dict[str, Any]]]") -> None:
    """Queue the mail ``name`` for each pair of user, or mailbox, and context, as one handful."""
    get_connection().send_messages([compose(name, user, **context) for user, context in addressed])


def compose(name: str, user: "User | Mailbox", *, to: str = "", **context: Any) -> Message:
    """Return the mail ``name`` for ``user``, in its language and with the days of its time zone.

    The template is ``mail/<name>.txt``; its first line is the subject. The HTML part is made of the same
    text. It goes to the user's own email unless ``to`` names another address.
    """
    language = user.mail_language
    with override(language), timezone.override(zone_of(user)):
        text = render_to_string(
            f"mail/{name}.txt", {"user": user, "portal_url": links.absolute(), **context}
        )
    subject, _newline, body = text.strip().partition("\n")
    return _message(to or user.email, subject, body.strip(), language)


def deliver(
    address: str,
    subject: str,
    body: str,
    *,
    language: str,
    partner: "Partner | None" = None,
    about: Any = None,
    sent_by: "User | None" = None,
    due_at: datetime | None = None,
) -> None:
    """Queue one mail, as text and as HTML.

    In the name of ``partner``, if given, it says so, and answers go to the partner. ``sent_by`` is the
    user who had the portal send it, ``about`` the row that hears if it can't be delivered, and ``due_at``
    the time before which it is not sent.
    """
    message = _message(address, subject, body, language)
    if partner:
        with override(language):
            message.from_email = _in_name_of(partner)
        message.reply_to = [_named(_harmless(partner.name), partner.support_email)]
    message.about, message.sent_by, message.due_at = about, sent_by, due_at
    message.send()


def _message(address: str, subject: str, body: str, language: str) -> Message:
    with override(language):
        html = render_to_string(
            "mail/layout.html", {"subject": subject, "body": body, "language": language}
        )
    # A reader of mail takes =? for the beginning of other letters in disguise.
    subject = " ".join(subject.split()).replace("=?", "= ?")
    message = Message(subject, body, to=[address])
    message.attach_alternative(html, "text/html")
    return message


def _in_name_of(partner: "Partner") -> str:
    """The sender of a partner's words: the portal's address, under a name that no one takes for its own."""
    portal, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    name = _("%(partner)s via %(portal)s") % {
        "partner": _harmless(partner.name),
        "portal": portal or _("Partner portal"),
    }
    return _named(name, address)


def _named(name: str, address: str) -> str:
    # In plain words, which Django encodes; email.utils.formataddr would do so first, and nobody reads that.
    return f'"{name}" <{address}>'


def _harmless(name: str) -> str:
    """``name`` without what makes a line of its own, turns the writing, or looks like an address."""
    told = "".join(
        " " if character.isspace() or character in '<>@",;:\\' else character
        for character in name
        if character.isspace() or unicodedata.category(character)[0] != "C"
    )
    told = re.sub(r" {2,}", " ", told).strip()
    return told if len(told) <= LONGEST_NAME else f"{told[:LONGEST_NAME].rstrip()}…"
