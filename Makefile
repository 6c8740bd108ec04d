# Gatepost's tasks. `make` lists them.

VENV   := .venv
BIN    := $(VENV)/bin
PYTHON ?= $(shell sh tools/find-python.sh)
# The real npm client runs against the real server, so the tests need Node.js.
NPM_TESTS := tests/dialects/native/emitkit_js
NPM_LOCK  := $(wildcard $(NPM_TESTS)/package-lock.json)
NPM_STAMP := $(if $(NPM_LOCK),$(NPM_TESTS)/node_modules/.stamp)
# Arguments for the test run: make test-only ARGS="tests/api -k events"
ARGS   ?=
# Arguments for the server: make run ARGS="--port 9000"

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
PYTEST = PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pytest -n 2 --dist worksteal
# The heart of the API on PostgreSQL and Valkey; without Valkey only limits, signals and streams take
# another way. All of tests/api, tests/dialects and tests/process runs on any pair:
# make test-only ARGS="--pair postgres tests/api tests/dialects tests/process"
API = $(addsuffix .py,$(addprefix tests/api/test_,$(1)))
PAIRED := --pair postgres+valkey tests/dialects $(call API,events batch people quotas stream key_ends)
LONELY := --pair postgres $(call API,stream key_ends quotas unknown_keys)
# What dies there needs the machine to itself. One test waits for a certain commit to be the one that
# is lost, and cannot tell yet which of two comes first.
RACY := tests/chaos/test_commits.py::test_a_commit_whose_end_nobody_learns_is_not_carried_out_again
CHAOS := -n 0 tests/chaos --deselect $(RACY)

.PHONY: help setup setup-dev run test test-only lint types imports format bench docs lock clean

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

test-only: setup-dev $(NPM_STAMP) ## Tests alone (ARGS="tests/api -k keys" to choose)
	@sh tools/need.sh cc gcc libc6-dev
	@sh tools/need.sh systemd-analyze systemd
	@sh tools/need.sh kubectl kubernetes-client
	@sh tools/need.sh ip iproute2
	@$(PYTEST) $(or $(ARGS),--ignore tests/chaos)
	@$(if $(ARGS),:,$(PYTEST) $(CHAOS) && $(PYTEST) $(PAIRED) && $(PYTEST) $(LONELY))

$(NPM_TESTS)/node_modules/.stamp: $(NPM_LOCK)
	@sh tools/need.sh node nodejs
	@sh tools/need.sh npm npm
	@cd $(NPM_TESTS) && npm ci --no-audit --no-fund --no-update-notifier --ignore-scripts
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

docs: setup-dev ## Write docs/reference again from the code
	@$(BIN)/python -m tools.reference

lock: setup-dev ## Resolve the locks again (UPGRADE=1 for newer versions)
	@$(PYTHON) -m tools.lock $(if $(UPGRADE),--upgrade)

clean: ## Remove what the tasks made; never a data folder
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	rm -rf $(NPM_TESTS)/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
