# `make run` and `make test` need nothing but Python 3.11+ with venv: each sets up .venv by itself, once.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
QUIET  := --quiet --quiet --disable-pip-version-check
PIP    := $(BIN)/python -m pip $(QUIET)
LLMOCK := .venv-llmock
AIMOCK := tests/foreign/aimock
ARGS   ?=
PYTEST := $(BIN)/python -m pytest
NONE   := 5

.PHONY: install install-dev foreign run test lint format bench soak docs catalogues lock clean

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

# Model servers that this project did not write, for tests/foreign. aimock comes only where node is.
foreign: $(LLMOCK)/.installed $(AIMOCK)/node_modules

run: install
	@exec $(BIN)/lanekeeper run $(ARGS)

# What takes the time runs afterwards and one by one. pytest's 5 says that ARGS choose none of these.
# What failed beside others (1) is run once more by itself, in the open: then it is not the machine that is slow.
test: install-dev foreign
	@$(PYTEST) -n 4 --dist worksteal -m "not soak and not alone" $(ARGS) || case $$? in \
	$(NONE)) ;; 1) $(PYTEST) --last-failed --last-failed-no-failures none --maxfail 1 -m "not soak and not alone" $(ARGS) ;; \
	*) exit 1 ;; esac
	@$(PYTEST) -m "alone and not soak" $(ARGS) || [ $$? -eq $(NONE) ]

soak: install-dev
	@$(PYTEST) -m soak --override-ini timeout=1800 $(ARGS)

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

format: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install-dev
	@$(BIN)/python -m bench $(ARGS)

docs: install-dev
	$(BIN)/python docs/generate.py

# The translations of the bot's own sentences: docs/languages.md.
catalogues: install-dev
	$(BIN)/python docs/catalogues.py

# What the lock files hold is decided in pyproject.toml; they are made for every platform at once and name no index.
LOCK := uv pip compile --quiet --python-version 3.11 --universal --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
lock:
	$(LOCK) pyproject.toml --group build --output-file requirements.lock
	$(LOCK) pyproject.toml --group build --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(LOCK) --group llmock --output-file requirements-llmock.lock

clean:
	rm -rf $(VENV) $(LLMOCK) $(AIMOCK)/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found. Install Python 3.11 or newer: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Lanekeeper needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python cannot make virtual environments. Install what is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV), once: about a minute" >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: requirements.lock pyproject.toml | $(VENV)/.made
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml | $(VENV)/.made
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.installed $@

$(LLMOCK)/.installed: requirements-llmock.lock | $(VENV)/.made
	@$(PYTHON) -m venv --clear $(LLMOCK)
	@$(LLMOCK)/bin/python -m pip $(QUIET) install --require-hashes --requirement requirements-llmock.lock
	@touch $@

$(AIMOCK)/node_modules: $(AIMOCK)/package-lock.json
	@if ! command -v npm >/dev/null; then echo "npm was not found: tests with aimock will be skipped" >&2; \
	elif ! npm ci --silent --prefix $(AIMOCK) --no-audit --no-fund --fetch-retries 0 >/dev/null 2>&1; then \
	echo "npm could not install aimock: tests with it will be skipped" >&2; else touch $@; fi
