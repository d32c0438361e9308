"""The layers: imports only go down, stand at the top of a module, and modules stay short."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ["lists", "portal", "customers", "relationships", "subscriptions", "samples"]
LONGEST_MODULE = 400

# What tells under which host a request came, or where the portal is: one module reads it.
LINKS = Path("portal/links.py")
OF_THE_HOST = {"PORTAL_URL", "_get_raw_host", "build_absolute_uri", "get_current_site", "get_host"}
HEADERS_OF_THE_HOST = {"HTTP_HOST", "HTTP_X_FORWARDED_HOST", "Host", "SERVER_NAME"}

# The portal is also the project: its urls.py is the one place that knows every app.
ROOT_URLS = Path("portal/urls.py")

# What these import of packages, in functions that are cached, would slow down every start of a process
# that never needs it.
LATE = (Path("customers/domain_records.py"), Path("customers/public_domains.py"))


def imported_layers(path, node):
    """The apps that an import statement of the module ``path`` reads from."""
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    elif node.level:
        package = path.parent.parts[: len(path.parent.parts) - node.level + 1]
        modules = [".".join((*package, node.module or ""))]
    else:
        modules = [node.module]
    return {module.partition(".")[0] for module in modules} & set(LAYERS)


def faults(path, source):
    """What is wrong with the imports and the length of one module, one sentence each."""
    layer = LAYERS.index(path.parts[0])
    found = []
    tree = ast.parse(source)
    functions = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    ]
    inline = {
        id(node)
        for function in functions
        for node in ast.walk(function)
        if is_import(node)
        and not (path in LATE and is_cached(function) and not imported_layers(path, node))
    }
    for node in filter(is_import, ast.walk(tree)):
        found += [
            f"{path}:{node.lineno} imports from {name}, a layer above"
            for name in sorted(imported_layers(path, node))
            if LAYERS.index(name) > layer
        ]
        if id(node) in inline:
            found.append(f"{path}:{node.lineno} imports inside a function")
    found += [
        f"{path}:{node.lineno} imports by name"
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and getattr(node, "id", getattr(node, "attr", "")) in ("import_module", "__import__")
    ]
    if path != LINKS:
        found += [f"{path}:{line} reads {name}, use portal.links" for line, name in hosts(tree)]
    length = len(source.splitlines())
    if length > LONGEST_MODULE and not is_of_one_model(path, tree):
        found.append(f"{path} has {length} lines, more than {LONGEST_MODULE}")
    return found


def is_of_one_model(path, tree):
    """Whether a module has one model and nothing else but its choices: parts of a class are no shorter."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    choices = [one for one in classes if "models.TextChoices" in map(ast.unparse, one.bases)]
    return "models" in path.parts and len(classes) - len(choices) == 1


def hosts(tree):
    """Where a module reads the host of a request or makes links itself: (line, name)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in OF_THE_HOST:
            yield node.lineno, node.attr
        elif isinstance(node, ast.alias) and node.name in OF_THE_HOST:
            yield node.lineno, node.name
        elif isinstance(node, ast.Constant) and node.value in HEADERS_OF_THE_HOST:
            yield node.lineno, node.value


def is_cached(function):
    return [getattr(one, "id", None) for one in getattr(function, "decorator_list", [])] == [
        "cache"
    ]


def is_import(node):
    return isinstance(node, ast.Import | ast.ImportFrom)


def modules():
    return [
        path.relative_to(ROOT)
        for layer in LAYERS
        for path in sorted((ROOT / layer).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def test_imports_only_go_down_and_modules_are_short():
    found = [fault for path in modules() for fault in faults(path, (ROOT / path).read_text())]
    assert found == []


def test_templates_make_no_link_from_the_host_of_a_request():
    forbidden = re.compile("|".join([*OF_THE_HOST, r"request\.(META|headers|scheme|is_secure)"]))
    templates = [
        path for path in sorted((ROOT / "templates").rglob("*")) if path.suffix in (".html", ".txt")
    ]
    assert len(templates) > 100
    assert [str(path) for path in templates if forbidden.search(path.read_text())] == []


def test_the_check_reads_every_app():
    assert {path.parts[0] for path in modules()} == set(LAYERS)
    assert Path("samples/management/commands/load_demo.py") in modules()


def test_every_app_is_a_layer(settings):
    ours = {name for name in settings.INSTALLED_APPS if (ROOT / name).is_dir()}
    assert ours == set(LAYERS) - {"lists"}  # which has no models, so it is no app


def test_the_root_urls_reach_up_by_name_only():
    assert ROOT_URLS in modules()
    assert 'include("subscriptions.urls")' in (ROOT / ROOT_URLS).read_text()


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        (
            "portal/models.py",
            "from customers.models import Customer\n",
            "portal/models.py:1 imports from customers, a layer above",
        ),
        (
            "customers/models.py",
            "import os\nimport subscriptions.models as later\n",
            "customers/models.py:2 imports from subscriptions, a layer above",
        ),
        (
            "relationships/models.py",
            "from django.db import models\nif models:\n    from subscriptions import models as s\n",
            "relationships/models.py:3 imports from subscriptions, a layer above",
        ),
        (
            "subscriptions/models.py",
            "class Subscription:\n    def end(self):\n        from portal.models import User\n",
            "subscriptions/models.py:3 imports inside a function",
        ),
        (
            "subscriptions/views.py",
            "async def view(request):\n    import json\n",
            "subscriptions/views.py:2 imports inside a function",
        ),
        (
            "portal/views/pages.py",
            "from importlib import import_module\nimport_module('customers.models')\n",
            "portal/views/pages.py:2 imports by name",
        ),
        (
            "portal/views/pages.py",
            "def link(request):\n    return request.build_absolute_uri('/')\n",
            "portal/views/pages.py:2 reads build_absolute_uri, use portal.links",
        ),
        (
            "portal/mail.py",
            "from allauth.utils import build_absolute_uri\n",
            "portal/mail.py:1 reads build_absolute_uri, use portal.links",
        ),
        (
            "customers/forms.py",
            "def link(request):\n    return request.META['HTTP_HOST']\n",
            "customers/forms.py:2 reads HTTP_HOST, use portal.links",
        ),
        (
            "subscriptions/cures.py",
            "from django.conf import settings\nlink = settings.PORTAL_URL\n",
            "subscriptions/cures.py:2 reads PORTAL_URL, use portal.links",
        ),
        (
            "customers/public_domains.py",
            "from functools import cache\n@cache\ndef lists():\n    from portal import text\n",
            "customers/public_domains.py:4 imports inside a function",
        ),
        (
            "customers/public_domains.py",
            "def lists():\n    import publicsuffixlist\n",
            "customers/public_domains.py:2 imports inside a function",
        ),
        (
            "portal/text.py",
            "x = 1\n" * 401,
            "portal/text.py has 401 lines, more than 400",
        ),
        (
            "portal/models/users.py",
            "class User(models.Model):\n    pass\n\nclass Role(models.Model):\n"
            + "    x = 1\n" * 400,
            "portal/models/users.py has 404 lines, more than 400",
        ),
    ],
)
def test_the_check_finds_a_bad_example(path, source, fault):
    assert faults(Path(path), source) == [fault]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("subscriptions/models/offers.py", "from .support_contacts import Candidate\n"),
        ("subscriptions/models/offers.py", "from ..forms import SupportContactForm\n"),
        ("subscriptions/models/offers.py", "from portal.models import User\n"),
        ("portal/models/users.py", "from portal.permissions import Role\nfrom .. import text\n"),
        ("portal/links.py", "def f(request):\n    return request.get_host()\n"),
        ("portal/text.py", "x = 1\n" * 400),
        (
            "portal/models/users.py",
            "class Kind(models.TextChoices):\n    A = 'a'\n\nclass User(models.Model):\n"
            + "    x = 1\n" * 400,
        ),
        (
            "customers/public_domains.py",
            "from functools import cache\n@cache\ndef lists():\n    import publicsuffixlist\n",
        ),
    ],
)
def test_the_check_accepts_a_good_example(path, source):
    assert faults(Path(path), source) == []
