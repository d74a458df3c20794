# Every target does its own set-up: a virtual environment with the pinned dependencies of constraints.txt.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The first interpreter that is Python 3.11 or newer; choose another with `make PYTHON=python3.12 ...`.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
# Test files are spread over the machine's cores. What is compiled is kept: each of the programs that the tests start
# would compile it again.
# One worker more than cores: many tests wait for a server.
WORKERS := $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found on PATH." >&2; exit 3; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) (once)"
	@$(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made; on Debian: apt install python3-venv" >&2; exit 3; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench,dev,postgresql]'
	@touch $@

.PHONY: help setup demo test test-slow test-all lint format golden coverage bench bench-all bench-peers clean
help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## Make the virtual environment

demo: $(STAMP) ## Run the main job: certificates, import, publish, serve, fetch, change, fetch again
	@$(BIN)/brygga demo

test: $(STAMP) ## Run the tests (under two minutes)
	@$(PYTEST)

test-slow: $(STAMP) ## Run the slow tests: soak, fault injection, large files, foreign clients
	@$(PYTEST) -m slow
	@HYPOTHESIS_PROFILE=thorough $(PYTEST) tests/contracts tests/consumer -k "back or round_trip or same_facts or by_form or stored_values"

test-all: test test-slow ## Run every test

lint: $(STAMP) ## Check style, types and the import layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP) ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

golden: $(STAMP) ## Write the golden messages anew (read the difference before you commit it)
	@$(BIN)/python -m tests.contracts.golden.regenerate

coverage: $(STAMP) ## Run the tests with branch coverage
	@$(PYTEST) --cov --cov-report=term-missing:skip-covered

bench: $(STAMP) ## Run the quick benchmarks: ratios against peers in the same run (about ten minutes)
	@$(BIN)/python -m benchmarks

bench-peers: ## Install node-soap, a peer of the benchmarks (needs npm)
	@npm install --silent --no-save --prefix benchmarks/out/peers soap@1

bench-all: $(STAMP) ## Run every benchmark and write docs/performance.md
	@$(BIN)/python -m benchmarks --full --report docs/performance.md

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build *.egg-info
