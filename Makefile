# The commands of the project; `make help` lists them. Everything happens in .venv.

PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin
# The first Python that really starts: a version manager may leave names that do not.
PYTHON ?= $(shell for name in python3.12 python3.11 python3; do \
	"$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' 2>/dev/null \
	&& echo "$$name" && break; done)
LOCK := $(BIN)/uv pip compile setup.cfg --universal --python-version 3.11 --generate-hashes \
	--override requirements/override.txt --no-annotate --no-header --quiet
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

.PHONY: help run test lint types layers policies units bench conformance soak mutants schemas wheel lock format clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

run: $(VENV)/.run ## Serve the demo, beside a GOV.BR of our own: make run PORT=8080
	@$(BIN)/python -m tests.govbr demo --port $(PORT)

test: lint types layers policies units ## Everything that has to pass: lint, types, layers, policies, tests

lint: $(VENV)/.dev
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .

types: $(VENV)/.dev
	$(BIN)/mypy

layers: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

policies: $(VENV)/.dev
	$(BIN)/authz policy check policies
	$(BIN)/authz policy test policies --fail-under 100

# What decides is covered to the last branch by its own tests; to measure the others costs minutes.
INNER := tests/domain tests/usecases tests/policy

# Services are started by the hundred; not to compile them anew each time saves a minute.
units: export PYTHONDONTWRITEBYTECODE :=
units: $(VENV)/.dev
	$(BIN)/pytest -n 2 --cov --cov-report= $(INNER)
	$(BIN)/coverage report --include='authz_service/domain/*,authz_service/usecases/*,authz_service/policy/*' \
		--fail-under=100
	@# Many of these wait for a service; four processes keep two cores busy. The tests of a module
	@# stay in one of them, so that what they share is started once, and the long modules come first.
	$(BIN)/pytest -n 4 --dist loadscope --no-loadscope-reorder tests $(INNER:%=--ignore=%)

bench: $(VENV)/.bench ## Measure decisions and the data plane beside their peers; an hour, writes docs/performance.md
	$(BIN)/python -m tests.bench

conformance: $(VENV)/.dev ## Ask a running service every AuthZEN vector, ours and the suite's, and show a table
	$(BIN)/python -m tests.conformance

soak: $(VENV)/.dev ## The long forms of the property tests
	$(BIN)/pytest -n 2 --soak -m soak

mutants: $(VENV)/.dev ## Disable the checks that matter one by one and see a test fail each time
	$(BIN)/python -m tests.mutants

wheel: $(VENV)/.run ## Build the package, policies included, into dist/, with the locked requirements
	@rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .
	@cp requirements/run.txt dist/
	@rm -rf build
	@ls dist

schemas: $(VENV)/.dev ## Write schemas/openapi.json anew, out of the routes and their schemas
	$(BIN)/python -m tests.contract

lock: $(VENV)/.dev ## Make the locks anew from setup.cfg
	$(LOCK) --upgrade --extra build --extra granian -o requirements/run.txt
	$(LOCK) --upgrade --extra build --extra granian --extra dev -o requirements/dev.txt
	$(LOCK) --upgrade --extra bench -o requirements/bench.txt

format: $(VENV)/.dev ## Bring the code into its form
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

clean: ## Forget the environment; data in var/ stays
	rm -rf $(VENV) build *.egg-info tests/identity/oidc_provider/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed; say which: make PYTHON=/path/to/python3.12"; exit 1; }
	"$(PYTHON)" -m venv $(VENV)

$(VENV)/.run: $(BIN)/python requirements/run.txt setup.cfg
	$(INSTALL) --require-hashes -r requirements/run.txt
	$(INSTALL) --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.dev requirements/bench.txt
	$(INSTALL) --require-hashes -r requirements/bench.txt
	@touch $@
