from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import AppDirectoriesFinder

# Django admin's, one file for each language of the world.
LANGUAGES_OF_SELECTS = PurePath("admin/js/vendor/select2/i18n")


class AppFinder(AppDirectoriesFinder):
    """The static files of apps, to be collected without those that no page asks for.

    These are the flags of all countries, and what Django admin has for languages that the portal has not.
    """

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[Any]:
        spoken = [code for code, _name in settings.LANGUAGES]
        for path, storage in super().list([*(ignore_patterns or ()), "flags"]):
            file = PurePath(path)
            if file.parent != LANGUAGES_OF_SELECTS or file.stem in spoken:
                yield path, storage
