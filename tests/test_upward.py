"""What reaches up: the places where an app reads rows of one above are those that ADR 0020 lists."""

import ast
import re

from django.apps import apps

from tests.test_architecture import LAYERS, ROOT, modules

TABLE = ROOT / "docs" / "adr" / "0020-what-reaches-up.md"


def layer_of(app):
    return LAYERS.index(app)


def relations_from_above():
    """For each name of a reverse relation the layers of the apps above whose rows it leads to."""
    found = {}
    for model in apps.get_models():
        below = model._meta.app_label
        for relation in model._meta.get_fields():
            if below in LAYERS and relation.auto_created and not relation.concrete:
                above = relation.related_model._meta.app_label
                if above in LAYERS and layer_of(above) > layer_of(below):
                    found.setdefault(relation.get_accessor_name(), set()).add(layer_of(above))
    return found


def reached(path, source, relations):
    """The names of reverse relations that a module reads, and that lead to an app above its own."""
    own = layer_of(path.parts[0])
    return {
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and any(above > own for above in relations.get(node.attr, ()))
    }


def test_each_place_that_reaches_up_is_in_the_table():
    rows = re.findall(r"^\| `([\w/.]+)` \| (.+?) \| .+ \|$", TABLE.read_text(), re.MULTILINE)
    listed = {path: set(re.findall(r"`(\w+)`", names)) for path, names in rows}
    relations = relations_from_above()
    found = {
        str(path): names
        for path in modules()
        if (names := reached(path, (ROOT / path).read_text(), relations))
    }
    assert found == listed


def test_it_would_notice_a_place():
    relations = relations_from_above()
    [path] = [path for path in modules() if str(path) == "portal/text.py"]
    assert reached(path, "def f(partner):\n    return partner.requests.open()\n", relations) == {
        "requests"
    }
    assert (
        reached(path, "def f(partner):\n    return partner.memberships.all()\n", relations) == set()
    )
