import hashlib
import json
from collections.abc import Iterable
from typing import Any, Self, cast

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from portal.authority import Principal, person_of

from .actions import Action, describe
from .activity import ActivityEntry
from .fields import FoldedField


class StaleRow(ValidationError):
    """Someone else changed the row since the form was opened; nothing was overwritten.

    ``entry`` is the newest change in the activity log, or None where it tells of none.
    """

    def __init__(self, entry: ActivityEntry | None) -> None:
        super().__init__(
            _("This was changed in the meantime. Nothing was overwritten."), code="stale"
        )
        self.entry = entry


class Editable(models.Model):
    """A row with details that several people edit, side by side.

    What changes is logged with what it was before, and nobody overwrites what it has not seen.
    """

    edited_fields: tuple[str, ...] = ()
    changed_action: Action

    class Meta:
        abstract = True

    def record(self, action: Action, *, by: Principal, **told: Any) -> None:
        """Write what happened to this row into the activity log of whom it concerns."""
        raise NotImplementedError

    @property
    def version(self) -> str:
        """A word for the values of ``edited_fields``: another as soon as one of them differs."""
        values = [str(self._stored_value(name)) for name in self.edited_fields]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:32]

    def _stored_value(self, name: str) -> Any:
        return getattr(self, cast(models.Field, self._meta.get_field(name)).attname)

    def write_changes(
        self,
        fields: Iterable[str],
        stored: Self,
        *,
        by: Principal,
        seen: str | None,
        **told: Any,
    ) -> list[str]:
        """Save those of ``fields`` that differ from ``stored``, the locked row, and log them.

        Returns their names; where there is none, nothing is written and nothing is stale. Raises
        ``ValidationError`` for what the model refuses, and ``StaleRow`` if ``seen``, a ``version``, is not
        that of ``stored``. ``told`` are further arguments of the model's ``record``.
        """
        person_of(by)
        changed = [
            name for name in fields if self._stored_value(name) != stored._stored_value(name)
        ]
        if not changed:
            return []
        if seen not in (None, stored.version):
            entries = ActivityEntry.objects.filter(
                action=self.changed_action, subject_id=self.pk
            ).with_people()
            raise StaleRow(entries.first())
        self.full_clean()
        keys = [
            field.name
            for field in self._meta.concrete_fields
            if isinstance(field, FoldedField) and field.source in changed
        ]
        self.save(update_fields=[*changed, *keys])
        self.record(
            self.changed_action,
            by=by,
            before=describe(stored, changed),
            after=describe(self, changed),
            **told,
        )
        return changed
