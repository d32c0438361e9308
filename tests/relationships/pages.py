"""Where the pages of requests are, what a form there holds, and when two answers are alike."""

import re

from django.urls import reverse

REQUESTS = "/relationships/requests/"
NEW = "/relationships/requests/new/"
FIRM = {"recipient_name": "Werft Neu", "recipient_email": "anna@werft.example", "language": "en"}


def page_of(made):
    """Where the partner that asked finds its request."""
    return reverse("relationships:request", args=[made.pk])


def alike(answer):
    """All of an answer but for what belongs to its link and its form."""
    text = re.sub(r'(name="csrfmiddlewaretoken" value=")\w+', "", answer.content.decode())
    return answer.status_code, re.sub(r"/invitations/[\w.-]+/", "LINK", text)
