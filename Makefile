# Everything sets itself up: a virtual environment in .venv, the jars in the user's cache.

BIN := .venv/bin
INSTALLED := .venv/installed

# As pip and git do: trust the certificates that this machine trusts.
export UV_SYSTEM_CERTS ?= true

.DEFAULT_GOAL := help
.PHONY: help setup demo up test test-fast lint typecheck lock clean preflight jars
MAKEFLAGS += --no-print-directory

help: ## Print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) jars ## Install everything into .venv, and the jars into the cache (once, 1.5 GB)

demo: setup ## Run the whole pipeline once, from the simulation to the dashboard
	@$(BIN)/ticketsim demo

up: setup ## Run the whole pipeline live, until Ctrl-C
	@$(BIN)/ticketsim up

test: setup lint typecheck ## Check everything: style, types and all tests (real Kafka, Spark, Dagster, browser)
	@chromium="$$($(BIN)/python -m local.chromium)" && TICKETSIM_CHROMIUM="$$chromium" $(BIN)/pytest -n 2 --dist loadfile

test-fast: setup ## Run the tests that start no other processes, in less than a minute
	@$(BIN)/pytest -m "not slow" -n auto --dist worksteal

lint: $(INSTALLED) ## Check style, the arrows between the packages, the SQL and the constraints
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint dbt/models dbt/tests
	@! grep -nE '://|^-' constraints.txt || { echo "error: constraints.txt names a registry (above): make lock"; exit 1; }

typecheck: $(INSTALLED) ## Check types
	@$(BIN)/mypy

lock: $(INSTALLED) ## Recreate constraints.txt from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --no-emit-index-url --no-emit-find-links --no-header --all-extras \
		--output-file constraints.txt pyproject.toml

clean: ## Stop the local broker; remove data, .venv and everything else that was made here
	@if [ -x $(BIN)/ticketsim ]; then $(BIN)/ticketsim broker stop; fi
	rm -rf data build logs .venv *.egg-info dbt/target dbt/logs .*_cache .hypothesis .tmp_dagster_home_*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Before anything is downloaded, and every time: one sentence if Python or Java is missing or too old.
preflight:
	@sh local/preflight.sh >/dev/null

# A virtual environment whose making was interrupted, or whose Python is gone, is made anew.
$(INSTALLED): pyproject.toml constraints.txt | preflight
	@$(BIN)/uv --version >/dev/null 2>&1 && $(BIN)/python -c '' || { \
		rm -rf .venv && python="$$(sh local/preflight.sh)" && echo "making .venv with $$python" >&2 && \
		"$$python" -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --constraint constraints.txt --editable '.[test]'
	@touch $@

jars: $(INSTALLED)
	@$(BIN)/python -m streaming.jars
