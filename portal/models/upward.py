from typing import Any


def rows_above(relation: Any) -> Any:
    """Return the rows of an app above, all of them, that a reverse ``relation`` of a model leads to.

    Such as ``Partner.requests``: an app knows what refers to its rows by nothing else.
    """
    return relation.field.model.objects
