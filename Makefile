# `make run` shows the portal, `make test` proves it; `make` alone lists everything.
# Needed: Python 3.11 or newer, and make. The rest goes into .venv.

PYTHON ?= python3
PO := portal/locale/hi/LC_MESSAGES/django.po
MO := $(patsubst %.po,%.mo,$(wildcard $(PO)))
BIN := .venv/bin
# A process that may not keep what it compiled compiles Django anew each time it starts: two seconds
# for each of the hundreds that tests start, and as much for every process of `make run`.
unexport PYTHONDONTWRITEBYTECODE
# More processes than cores: tests often wait (tests/queues.py says which stay together).
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help
help:  ## List the commands
	@awk -F ':.*##' '/^[a-z-]+:.*##/ {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- Set-up: a stamp for each requirements file, so that a second call does nothing -------------

.PHONY: setup
setup: .venv/runtime.stamp $(MO)  ## Make .venv with what the portal needs to run

.PHONY: setup-dev
setup-dev: .venv/dev.stamp $(MO)  ## ... and with what tests and checks need

.venv/runtime.stamp: requirements.txt tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py requirements-dev.txt
	@touch $@ .venv/runtime.stamp

%.mo: %.po | .venv/runtime.stamp
	@$(BIN)/python -m tools.compile_messages

# --- Run -----------------------------------------------------------------------------------------

.PHONY: run
run: setup  ## Start the portal with its demo at http://127.0.0.1:8000 (PORT=... for another port)
	@$(BIN)/python -m tools.run

.PHONY: demo-reset
demo-reset:  ## Throw the demo's data away (var/); the next `make run` fills it anew
	rm -rf var

# --- Prove ---------------------------------------------------------------------------------------

.PHONY: services
services:  ## Install the programs that only tests need (PostgreSQL, Redis, Chromium, gettext)
	@$(PYTHON) tools/system_packages.py

.PHONY: test
test: setup-dev services  ## Run the suite on PostgreSQL, then what asks a database on SQLite
	$(BIN)/python -m pytest -n $(WORKERS)
	TEST_DATABASE=sqlite $(BIN)/python -m pytest -n $(WORKERS) -m "not race and not browser and not slow"

.PHONY: storm
storm: setup-dev services  ## Twenty storms over the seat ledger, ten minutes; build/storm.json
	STORM_SEEDS=20 STORM_SECONDS=30 $(BIN)/python -m pytest tests/storm -n 0 -q

.PHONY: fuzz
fuzz: setup-dev services  ## Ask the API 20,000 made-up questions; build/fuzz.json
	@$(BIN)/python -m tests.fuzz.fuzz

.PHONY: faults
faults: setup-dev services  ## Kill part after part under load; build/faults.json (FAULTS=name,name)
	@$(BIN)/python -m tests.faults

.PHONY: bench
bench: bench-plan bench-messages  ## Measure planner and messages against other ways, half an hour

.PHONY: bench-plan
bench-plan: setup-dev  ## ... the planner alone, a minute; build/bench_plan.json
	@$(BIN)/python -m bench.plan_bench

.PHONY: bench-messages
bench-messages: setup-dev services  ## ... messages alone; build/bench.json (BENCH=drain,smtp,idle,burst)
	@$(BIN)/python -m bench.messages_bench $(if $(BENCH),--only $(BENCH))

.PHONY: check
check: setup-dev services  ## Lint, types, layers, translations, migrations, API schema, settings
	@$(BIN)/python -m tools.check

# --- Keep up to date -----------------------------------------------------------------------------

.PHONY: format
format: setup-dev  ## Format the code and apply the linter's safe fixes
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

.PHONY: messages
messages: setup-dev services  ## Collect texts to translate into the Hindi catalogue
	@$(BIN)/python -m tools.collect_messages

.PHONY: openapi
openapi: setup-dev  ## Write docs/openapi.yaml from the API's code
	$(BIN)/python manage.py spectacular --lang en --validate --fail-on-warn --file docs/openapi.yaml

.PHONY: refusals
refusals: setup-dev  ## Write docs/refusals.md, the table of all refusals, from the code
	@DJANGO_SETTINGS_MODULE=portal.settings $(BIN)/python -c "import django; django.setup(); from tools.refusals import main; main()"

.PHONY: lock
lock: .venv/dev.stamp  ## Compile the hashed requirements from pyproject.toml (UPGRADE=1: newest)
	@$(BIN)/python -m tools.lock $(if $(UPGRADE),--upgrade)

.PHONY: screenshots
screenshots: setup-dev services  ## Make the pictures of the README by walking the demo
	$(BIN)/python -m tests.browser.screenshots
