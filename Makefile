# Every target works from a clean clone with nothing but make and Python 3.11 or newer.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

BIN := .venv/bin
PY := $(BIN)/python
PORT ?= 8000
# More arguments for a target's main command: make test ARGS="-k subscriptions -x"
ARGS ?=

RUNTIME := .venv/.runtime-installed
DEVELOPMENT := .venv/.development-installed
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --no-input \
	--require-hashes --only-binary :all: --requirement
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header --no-strip-extras $(ARGS) pyproject.toml
PYTHON_FILES = $$(find manage.py gunicorn.conf.py lists portal customers relationships subscriptions samples tests bench -name '*.py')
TEMPLATES = $$(find templates portal customers relationships subscriptions -name '*.html' -o -name '*.txt')

.PHONY: help setup demo test quick bench lint format messages screenshots requirements FORCE

help: ## Show the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | awk -F'|' '{ printf "%-22s %s\n", $$1, $$2 }'

setup: $(DEVELOPMENT) ## Install everything for development into .venv
	@echo "Ready: make demo, make test, make lint."

demo: export DEBUG = 1
demo: export PORTAL_URL = http://127.0.0.1:$(PORT)
demo: $(RUNTIME) ## Serve the portal with demo data on 127.0.0.1:8000, or on PORT
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py load_demo
	@echo "The portal is at http://127.0.0.1:$(PORT)/ (Ctrl-C stops it)"
	@$(PY) manage.py worker --parent $$$$ & \
	DJANGO_RUNSERVER_HIDE_WARNING=true exec $(PY) manage.py runserver --noreload 127.0.0.1:$(PORT)

test: $(DEVELOPMENT) ## Run the whole suite, on SQLite and on PostgreSQL side by side
	@$(PY) -m tests.run all $(ARGS)

quick: $(DEVELOPMENT) ## Run the tests of what differs from main, on SQLite
	@$(PY) -m tests.run quick $(ARGS)

bench: $(DEVELOPMENT) ## Measure every page on a large installation (BENCH_SCALE=1k for a quick one)
	@$(PY) -m bench

lint: export DEBUG = 1
lint: export DATABASE_URL = sqlite:///:memory:
lint: $(DEVELOPMENT) ## Check style, types, templates and migrations; change nothing
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	@echo "django-upgrade --check"; $(PY) -m django_upgrade --target-version 5.2 --check $(PYTHON_FILES)
	@echo "djade --check"; $(BIN)/djade --target-version 5.2 --check $(TEMPLATES)
	$(PY) -m mypy
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py check --fail-level WARNING

format: $(DEVELOPMENT) ## Let the tools of lint correct what they can
	@$(PY) -m django_upgrade --target-version 5.2 --exit-zero-even-if-changed $(PYTHON_FILES)
	@$(BIN)/djade --target-version 5.2 $(TEMPLATES) || true
	@$(PY) -m ruff check --fix .
	@$(PY) -m ruff format .

screenshots: $(DEVELOPMENT) ## Take the pictures of docs/screenshots/ with the demo data
	@$(PY) -m tests.screenshots

messages: export DEBUG = 1
messages: $(RUNTIME) ## Collect the texts to translate and compile the catalogues
	@command -v msgfmt >/dev/null || { echo "make messages needs GNU gettext: install the package gettext." >&2; exit 1; }
	@$(PY) manage.py makemessages --locale de --add-location file --no-wrap --no-obsolete --ignore .venv --ignore tests
	@sed -i.bak -e '/^"POT-Creation-Date/d' -e '/^"Report-Msgid-Bugs-To/d' locale/de/LC_MESSAGES/django.po && rm locale/de/LC_MESSAGES/django.po.bak
	@$(PY) manage.py compilemessages --ignore .venv

requirements: $(DEVELOPMENT) ## Pin the dependencies of pyproject.toml anew (ARGS=--upgrade takes new versions)
	@$(PY) -m pip install --quiet --disable-pip-version-check --only-binary :all: uv==0.13.9
	@$(COMPILE) --output-file requirements.txt
	@$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt

# The runtime alone is ready in a third of the time; with the development tools comes the runtime too.
$(RUNTIME): requirements.txt $(PY)
	@echo "Installing the portal's dependencies into .venv"
	@$(INSTALL) requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(PY)
	@echo "Installing the development dependencies into .venv"
	@$(INSTALL) requirements-dev.txt
	@touch $(RUNTIME) $@

# An environment whose Python is gone or too old, or whose creation was interrupted, is made anew.
ifneq ($(shell $(PY) -c 'import sys, pip; print(sys.version_info >= (3, 11))' 2>/dev/null),True)
$(PY): FORCE
endif

$(PY):
	@found=; for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		found=$$python; \
		"$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
		echo "Creating .venv with $$python"; \
		exec "$$python" -m venv --clear .venv; \
	done; \
	if [ "$$found" ]; then \
		echo "$$found cannot create virtual environments: install its venv package (Debian and Ubuntu: apt install python3-venv)." >&2; \
	else \
		echo "Python 3.11 or newer is needed, and none of python3.13, python3.12, python3.11 and python3 is one. Install it, or name one: make setup PYTHON=/path/to/python" >&2; \
	fi; \
	exit 1
