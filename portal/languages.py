"""In which language a request is answered."""

from django.http import HttpRequest
from django.utils import translation


def speak(request: HttpRequest, language: str) -> None:
    """Answer ``request`` in ``language``, whatever the browser asks for; an empty one leaves it as it is."""
    if language and language != request.LANGUAGE_CODE:
        translation.activate(language)
        request.LANGUAGE_CODE = language
