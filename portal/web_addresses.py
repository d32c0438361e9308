"""Web addresses that people type for others to follow."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import models
from django.utils.deconstruct import deconstructible
from django.utils.translation import gettext_lazy as _


@deconstructible
class WebAddressValidator(URLValidator):
    """A page that a browser opens: by http or https, and without anyone's user name and password.

    Browsers show what stands before an ``@`` badly or not at all, so it is used to feign another host; and
    a password in there is everybody's.
    """

    schemes = ["http", "https"]
    message = _("Enter a web address that begins with http:// or https://.")

    def __call__(self, value: str | None) -> None:
        super().__call__(value)
        if "@" in urlsplit(value).netloc:
            raise ValidationError(
                _("Leave out the user name and password: everybody could read them."),
                code="user_info",
                params={"value": value},
            )


class WebAddressFormField(forms.URLField):
    """A web address; ``https://`` is added where nothing of the kind was typed."""

    default_validators = [WebAddressValidator()]
    default_error_messages = {"invalid": WebAddressValidator.message}

    def __init__(self, *, assume_scheme: str = "https", **kwargs: Any) -> None:
        super().__init__(assume_scheme=assume_scheme, **kwargs)


class WebAddressField(models.URLField):
    """A web address that the portal shows as a link."""

    default_validators = [WebAddressValidator()]

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        """To the database it is a plain field: a migration knows of no validator."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.URLField", args, kwargs

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": WebAddressFormField, **kwargs})
