"""Exports: files that are written completely before the first byte is sent.

Reading a long list and sending it are two things. Reading holds a cursor, so it takes as long as the database
needs and stands in one transaction; sending takes as long as the reader wants, so it holds nothing of the
database.
"""

import logging
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.http import FileResponse, HttpRequest
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal.csv import SEPARATORS, separator_for
from portal.models import User

logger = logging.getLogger(__name__)

# So many exports a user may have under way, read or sent, at one time.
AT_ONCE = 2
# An export of a process that died is counted no longer than this, in seconds.
FORGOTTEN_AFTER = 15 * 60


class ExportRefused(Exception):
    """No file is made; ``message`` says why, and ``template`` shows it with ``status``."""

    status = 400
    template = "400.html"
    message: Promise


class TooManyExports(ExportRefused):
    status = 429
    template = "429.html"
    message = _("Two of your exports are under way. Wait until one is finished, then try again.")


class ExportTooLarge(ExportRefused):
    """The file would be larger than ``EXPORT_MAX_MB`` allows."""

    message = _("The file would be too large. Choose fewer rows with the filter.")


class NoRoomForExport(ExportRefused):
    """The temporary file could not be written, as on a full disk."""

    status = 503
    template = "503.html"
    message = _("The file could not be written. Tell the operator of the portal.")


class UnknownSeparator(ExportRefused):
    message = _("The separator can be “comma” or “semicolon”.")


def separator_of(request: HttpRequest) -> str:
    """Return what separates the cells of the file that ``request`` asks for.

    ``?separator=`` names it, as a word or as the sign; left out, it is that of the reader's language.
    Raises ``UnknownSeparator``.
    """
    asked = request.GET.get("separator", "")
    if not asked:
        return separator_for(get_language())
    found = SEPARATORS.get(asked, asked)
    if found not in SEPARATORS.values():
        raise UnknownSeparator
    return found


class Place:
    """One of the places that a user has for exports, taken until ``release``."""

    def __init__(self, user: User) -> None:
        keys = (f"export:{user.pk}:{number}" for number in range(AT_ONCE))
        self.key = next((key for key in keys if cache.add(key, 1, FORGOTTEN_AFTER)), None)
        if self.key is None:
            raise TooManyExports

    def release(self) -> None:
        if self.key is not None:
            cache.delete(self.key)
            self.key = None


class ExportResponse(FileResponse):
    """A complete file, sent from the disk; its place is free again when it was sent or given up."""

    def __init__(self, file: IO[bytes], place: Place, **kwargs: Any) -> None:
        super().__init__(file, as_attachment=True, **kwargs)
        self._place = place

    def close(self) -> None:
        try:
            self._place.release()
        finally:
            super().close()


def export(
    user: User, pieces: Iterable[str], *, filename: str, content_type: str
) -> ExportResponse:
    """Write ``pieces``, texts, into a temporary file and return the response that sends it.

    The file is in ``EXPORT_FOLDER``, without a name, so it is gone when it is closed, whatever happens.
    Raises ``ExportRefused`` where the user has too many under way, the file would be too large, or there
    is no room for it; then no file is left.
    """
    place = Place(user)
    try:
        file = _written(pieces)
    except BaseException:
        with suppress(Exception):  # what failed is told, not that the place stays taken for a while
            place.release()
        raise
    if not connection.in_atomic_block:
        connection.close()  # the next request opens one; a slow reader holds none
    return ExportResponse(file, place, filename=filename, content_type=content_type)


def _written(pieces: Iterable[str]) -> IO[bytes]:
    try:
        file = tempfile.TemporaryFile(dir=settings.EXPORT_FOLDER)  # noqa: SIM115  (the response closes it)
        try:
            # In one transaction, which a cursor on the server needs behind a pool of connections.
            with transaction.atomic():
                for piece in pieces:
                    file.write(piece.encode())
                    if file.tell() > settings.EXPORT_MAX_BYTES:
                        raise ExportTooLarge
            file.seek(0)
        except BaseException:
            file.close()
            raise
    except OSError as error:
        logger.exception("An export could not be written")
        raise NoRoomForExport from error
    return file
