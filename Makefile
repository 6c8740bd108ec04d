# Gatepost's tasks. `make` lists them.

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= $(shell sh tools/find-python.sh)
# The real npm client runs against the real server, and pages are looked at by what others have written
# for that, so the tests need Node.js.
NPM_TESTS := tests/dialects/native/emitkit_js tests/browser/checks
NPM_STAMP := $(addsuffix /node_modules/.stamp,$(NPM_TESTS))
# Arguments for the test run: make test-only ARGS="tests/api -k events"
ARGS   ?=
# Arguments for the server: make run ARGS="--port 9000"

# Every process of the tests would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
PYTEST = TMPDIR="$$(sh tools/scratch.sh)" PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest --dist worksteal
# Tests wait more than they work, so there are more of them at once than cores. What dies in the
# chaos needs the machine to itself.
ALL   := -n 3 --ignore tests/chaos
CHAOS := -n 2 tests/chaos
# On the further pairs, a part of what takes another way there: streams and signals, limits, commits,
# and that all of it is counted. `make test-pairs` runs all there that reaches the database; what
# compares engines (tests/contract) or makes its own servers (tests/chaos) does so in any run.
NATIVE = $(addsuffix .py,$(addprefix tests/dialects/native/test_wire_,$(1)))
SIGNALS := tests/api/test_stream.py tests/api/test_key_ends.py
PAIRED := -n 3 --pair postgres+valkey $(SIGNALS) $(call NATIVE,rates idempotency) tests/process/test_recount.py
LONELY := -n 3 --pair postgres $(SIGNALS) $(call NATIVE,rates)
REACHING := $(addprefix tests/,api dialects relay delivery submission dashboard process sdk)
# What fails is asked once more by itself, on the same pair.
run = $(PYTEST) $(1) || sh tools/again.sh $(PYTEST) $(filter --pair postgres%,$(1))

.PHONY: help setup setup-dev run test test-only test-pairs programs lint types imports format bench screenshots docs lock clean

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A stamp is newer than the locks it was built from, so set-up is skipped until a lock changes.
$(VENV)/.stamp-run: requirements.lock requirements-build.lock pyproject.toml tools/install.py
	@$(PYTHON) tools/install.py requirements.lock
	@touch $@

$(VENV)/.stamp-dev: $(VENV)/.stamp-run requirements-dev.lock
	@$(PYTHON) tools/install.py requirements-dev.lock
	@touch $@

$(VENV)/.stamp-bench: $(VENV)/.stamp-dev requirements-bench.lock
	@$(PYTHON) tools/install.py requirements-bench.lock
	@touch $@

setup: $(VENV)/.stamp-run ## Build the environment in .venv
	@echo "Ready: make run, or $(BIN)/gatepost --help"

setup-dev: $(VENV)/.stamp-dev ## The same, with the tools for development

run: $(VENV)/.stamp-run ## Serve (ARGS="--port 9000" for flags)
	@exec $(BIN)/gatepost serve $(ARGS)

test: setup-dev lint types imports test-only ## Lint, types, import contracts and all tests

test-only: programs ## Tests alone (ARGS="tests/api -k keys" to choose)
	@$(if $(ARGS),$(PYTEST) $(ARGS),$(call run,$(ALL)))
	@$(if $(ARGS),:,$(call run,$(CHAOS)))
	@$(if $(ARGS),:,$(call run,$(PAIRED)))
	@$(if $(ARGS),:,$(call run,$(LONELY)))

test-pairs: programs ## All that reaches the database, on PostgreSQL without and with Valkey
	@$(call run,-n 3 --pair postgres $(REACHING))
	@$(call run,-n 3 --pair postgres+valkey $(REACHING))

programs: setup-dev $(NPM_STAMP)
	@sh tools/need.sh cc gcc libc6-dev
	@sh tools/need.sh systemd-analyze systemd
	@sh tools/need.sh kubectl kubernetes-client
	@sh tools/need.sh ip iproute2
	@sh tools/need.sh swaks swaks
	@sh tools/need.sh chromium chromium

$(NPM_STAMP): %/node_modules/.stamp: %/package-lock.json
	@sh tools/need.sh node nodejs
	@sh tools/need.sh npm npm
	@cd $* && npm ci --no-audit --no-fund --no-update-notifier --ignore-scripts
	@touch $@

lint: setup-dev ## Style and formatting
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: setup-dev ## Static types
	@$(BIN)/mypy

imports: setup-dev ## Import contracts
	@$(BIN)/lint-imports

format: setup-dev ## Fix what can be fixed
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

bench: $(VENV)/.stamp-bench ## Measure, and write bench/RESULTS.md
	@sh tools/need.sh cc gcc libc6-dev
	@sh tools/need.sh wrk wrk
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench $(ARGS)

screenshots: setup-dev ## Take docs/screenshots again
	@sh tools/need.sh chromium chromium fonts-noto-color-emoji
	@$(BIN)/python -m tools.screenshots

docs: setup-dev ## Write docs/reference again from the code
	@$(BIN)/python -m tools.reference

lock: setup-dev ## Resolve the locks again (UPGRADE=1 for newer versions)
	@$(PYTHON) -m tools.lock $(if $(UPGRADE),--upgrade)

clean: ## Remove what the tasks made; never a data folder
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	rm -rf $(addsuffix /node_modules,$(NPM_TESTS))
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
