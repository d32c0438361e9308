"""How fast the portal is: ``make bench``. Stands outside the test suite; see bench/__main__.py."""
