from django.utils import translation

from portal.client_address import acting_from, address_of


class ClientAddressMiddleware:
    """Let the activity log know from where each request comes."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        with acting_from(address_of(request)):
            return self.get_response(request)


class UserLanguageMiddleware:
    """Speak the language that the signed-in user has picked, whatever the browser asks for."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        language = getattr(request.user, "language", "")
        if language and language != request.LANGUAGE_CODE:
            translation.activate(language)
            request.LANGUAGE_CODE = language
        return self.get_response(request)
