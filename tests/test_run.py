"""Which tests ``make quick`` takes, and when two runs together are a success."""

import sys

import pytest

from tests.run import LAYERS, at_once, touched

ALL = [f"tests/{layer}" for layer in LAYERS]


@pytest.mark.parametrize(
    ("files", "paths"),
    [
        (["customers/models/customers.py"], ["tests/customers"]),
        (["templates/relationships/request.html"], ["tests/relationships"]),
        (["tests/portal/test_csv.py"], ["tests/portal/test_csv.py"]),
        (["portal/csv.py", "tests/portal/test_csv.py"], ["tests/portal"]),
        (["portal/csv.py", "tests/test_html.py"], ["tests/portal", "tests/test_html.py"]),
        (["customers/views.py", "tests/browser/test_days.py"], ["tests/customers"]),
        (["customers/views.py", "CHANGELOG.md"], ["tests/customers"]),
        (["customers/views.py", "tests/portal/test_gone.py"], ["tests/customers"]),
        (["customers/views.py", "tests/conftest.py"], ALL),
        (["templates/base.html"], ALL),
        ([], ALL),
    ],
)
def test_a_change_touches_the_tests_of_its_layer(files, paths):
    assert touched(files) == paths


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [(0, 0, 0), (0, 1, 1), (1, 0, 1), (0, 5, 0), (5, 0, 0), (5, 5, 1), (2, 5, 1)],
)
def test_two_runs_succeed_together(capfd, first, second, together):
    """What the second one prints stands below what the first one does, whichever ends first."""
    runs = [
        [sys.executable, "-c", f"import sys; print('run'); sys.exit({status})"]
        for status in (first, second)
    ]
    assert at_once(("One", "Other"), *runs) == together
    assert capfd.readouterr().out.split() == ["One", "run", "Other", "run"]
