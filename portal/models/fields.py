from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import lookups

from portal.text import fold


class KeyField(models.CharField):
    """Text to sort by: by code point, as Python does, on every database and whatever its locale."""

    def db_parameters(self, connection: Any) -> dict[str, str | None]:
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


@KeyField.register_lookup
class KeyContains(lookups.Contains):
    """What Django's own finds; on PostgreSQL by STRPOS.

    Of LIKE it believes to know how little is found, and reads and sorts a wide table instead of walking an
    index that has all in order.
    """

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple]:
        column, params = self.process_lhs(compiler, connection)
        rhs = self.rhs if hasattr(self.rhs, "as_sql") else models.Value(self.rhs)
        word, more = compiler.compile(rhs)
        return f"STRPOS({column}, {word}) > 0", (*params, *more)


# So long a key is at most, in bytes: two of them fit into one entry of an index of PostgreSQL. Names that are
# longer are made of signs that stand for several letters each.
MOST_BYTES = 1000


class FoldedField(KeyField):
    """The text of the field ``source`` as a key for search and sorting, kept up to date on saving.

    Where ``update_fields`` names the source, name this field too.
    """

    def __init__(self, *args: Any, source: str, **kwargs: Any) -> None:
        self.source = source
        # Folding can lengthen a text: ß becomes ss, a ligature its letters.
        super().__init__(*args, **{"max_length": 800, "editable": False, **kwargs})

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "source": self.source}

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        key = fold(getattr(model_instance, self.source))[: self.max_length]
        key = key.encode()[:MOST_BYTES].decode(errors="ignore")
        setattr(model_instance, self.attname, key)
        return key
