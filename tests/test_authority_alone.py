"""Who may act is asked of ``portal.authority`` alone: no other module checks it by itself."""

import ast
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, modules

# Where ``is_staff`` is more than a word of Django: the field with its own rule (T3), what it opens, and
# what ``portal.authority`` and the log are told of it.
READERS_OF_IS_STAFF = {
    "portal/backends.py",
    "portal/models/actors.py",
    "portal/models/memberships.py",
    "portal/models/users.py",
    "portal/views/pages.py",
}
# What a door reads of ``by`` once ``portal.authority`` let it through.
READ_OF_BY = {"person"}


def own_checks(path, source):
    """Where a module says by itself who may act, instead of asking ``portal.authority``."""
    if path == Path("portal/authority.py"):
        return []
    found = []
    is_model = "models" in path.parts or path.name == "models.py"
    for node in ast.walk(ast.parse(source)):
        where = f"{path}:{getattr(node, 'lineno', 0)}"
        raised = node.exc if isinstance(node, ast.Raise) else None
        raised = raised.func if isinstance(raised, ast.Call) else raised
        if isinstance(raised, ast.Name) and raised.id == "NotAllowed":
            found.append(f"{where} raises NotAllowed")
        attribute = node.attr if isinstance(node, ast.Attribute) else ""
        if attribute == "is_staff" and str(path) not in READERS_OF_IS_STAFF:
            found.append(f"{where} asks for is_staff")
        if not is_model:
            continue
        if attribute == "has_perm":
            found.append(f"{where} asks for a permission")
        of_by = isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "by"
        if of_by and attribute not in READ_OF_BY:
            found.append(f"{where} reads by.{attribute}")
        called = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if called in ("getattr", "hasattr") and getattr(node.args[0], "id", "") == "by":
            found.append(f"{where} looks into by")
    return found


def test_no_module_says_by_itself_who_may_act():
    found = [fault for path in modules() for fault in own_checks(path, (ROOT / path).read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        (
            "customers/models.py",
            "def change(self, by):\n    raise NotAllowed(Refusal.ROLE)\n",
            "customers/models.py:2 raises NotAllowed",
        ),
        (
            "subscriptions/views/orders.py",
            "def may(user):\n    return user.is_staff\n",
            "subscriptions/views/orders.py:2 asks for is_staff",
        ),
        (
            "subscriptions/models/subscriptions.py",
            "def change(self, by):\n    return by.organisation == self.seller\n",
            "subscriptions/models/subscriptions.py:2 reads by.organisation",
        ),
        (
            "relationships/models/requests.py",
            "def ask(self, user):\n    return user.has_perm('x')\n",
            "relationships/models/requests.py:2 asks for a permission",
        ),
        (
            "relationships/models/requests.py",
            "def ask(self, by):\n    return getattr(by, 'membership', None)\n",
            "relationships/models/requests.py:2 looks into by",
        ),
    ],
)
def test_a_check_of_its_own_is_found(path, source, fault):
    assert own_checks(Path(path), source) == [fault]


def test_views_may_ask_for_permissions_and_doors_for_the_person():
    view = "def page(request):\n    return request.user.has_perm('x')\n"
    assert own_checks(Path("portal/views/pages.py"), view) == []
    door = "def ask(self, by):\n    self.created_by = by.person\n"
    assert own_checks(Path("relationships/models/requests.py"), door) == []
