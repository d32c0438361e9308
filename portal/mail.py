"""Mail to the people of the portal, each in its own language.

Mail is queued in the database, in the transaction of the change it tells of: what is rolled back is
never sent, and a mail server that is down loses nothing. ``manage.py send_queued_mail`` delivers it.
"""

import re

from django.core.mail import EmailMultiAlternatives, get_connection
from django.template.loader import render_to_string
from django.utils.translation import override
from post_office.backends import EmailBackend

from portal import links


class QueueBackend(EmailBackend):
    """The queue of post_office, which reads every text as a template: here none of it is one."""

    def send_messages(self, email_messages):
        for message in email_messages:
            message.subject, message.body = literal(message.subject), literal(message.body)
            message.alternatives = [
                (literal(content), kind) for content, kind in message.alternatives
            ]
        return super().send_messages(email_messages)


def literal(text):
    """Return a template that renders as ``text``, whatever people wrote."""
    return re.sub(r"{(?=[{%#])", "{% templatetag openbrace %}", text)


def send(name, users, **context):
    """Queue the mail ``name`` for each of ``users``."""
    send_each(name, ((user, context) for user in users))


def send_each(name, addressed):
    """Queue the mail ``name`` for each pair of user and context, as one handful."""
    get_connection().send_messages([compose(name, user, **context) for user, context in addressed])


def compose(name, user, *, to="", **context):
    """Return the mail ``name`` for ``user``; the template is ``mail/<name>.txt``.

    Its first line is the subject. The HTML part is made of the same text. It goes to the user's own email
    unless ``to`` names another address.
    """
    language = user.mail_language
    with override(language):
        text = render_to_string(
            f"mail/{name}.txt", {"user": user, "portal_url": links.absolute(), **context}
        )
    subject, _newline, body = text.strip().partition("\n")
    return _message(to or user.email, subject, body.strip(), language)


def deliver(address, subject, body, *, language):
    """Queue one mail, as text and as HTML."""
    _message(address, subject, body, language).send()


def _message(address, subject, body, language):
    with override(language):
        html = render_to_string(
            "mail/layout.html", {"subject": subject, "body": body, "language": language}
        )
    message = EmailMultiAlternatives(" ".join(subject.split()), body, to=[address])
    message.attach_alternative(html, "text/html")
    return message
