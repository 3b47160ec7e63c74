# Klimatpuls. The two main commands are `make run` and `make test`.
#
# Settings:  make run SOURCES=auto|live|mock ARCHIVE=<folder> AS_OF=<YYYY-MM-DD> KLIMATPULS_HOME=<folder>
#            KLIMATPULS_AIR_POLLUTANTS=<all, or codes: nox,hg> KLIMATPULS_PYTHON=<python 3.11, 3.12 or 3.13>
#            KLIMATPULS_MOCK=as-recorded

.DEFAULT_GOAL := help
.PHONY: help env env-dev env-bi run up down bi bi-down test faults test-real test-bi rehearsal lint bench lock

PYTHON := .venv/bin/python
KLIMATPULS := .venv/bin/klimatpuls
# Three files at a time keep two cores busy while one waits. They run in the order of collection: the longest
# first (tests/conftest.py).
PYTEST = $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
WORKERS := 3
# Some of these tests have time limits and none waits: two files keep two cores busy.
test-real: WORKERS := 2

# Settings are exported to the environment, so paths with spaces need no quoting. Empty settings are unset.
$(foreach name,SOURCES ARCHIVE AS_OF KLIMATPULS_HOME KLIMATPULS_PYTHON KLIMATPULS_AIR_POLLUTANTS \
  KLIMATPULS_MOCK KLIMATPULS_REPLICA,\
  $(if $($(name)),$(eval export $(name)),$(eval unexport $(name))))

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

# Always keep byte code. Without it, every service of Airflow and every command compiles all its imports at each
# start.
unexport PYTHONDONTWRITEBYTECODE

env:
	@bin/bootstrap

env-dev:
	@bin/bootstrap --dev

env-bi: env
	@bin/bootstrap-bi

run: env ## Fetch, check, publish, compute and mail, once, on this machine; then stop
	@$(KLIMATPULS) run

up: env ## Start the stack and leave it running: Airflow's pages, the database, caught mail
	@$(KLIMATPULS) up

down: env ## Stop the stack that `make up` left running
	@$(KLIMATPULS) down

bi: env-bi ## Show the dashboard Klimatläget in Apache Superset; the stack must be up
	@$(KLIMATPULS) bi

bi-down: env ## Stop the Superset that `make bi` left running
	@$(KLIMATPULS) bi-down

test: env-dev ## Run the tests (no network, no real figures needed)
	@$(PYTEST) -m "not live and not real_run and not real_data and not bi and not rehearsal"

# The tests of one source share the state of the day before, so one worker runs them.
rehearsal: WORKERS := 2
rehearsal: env-dev ## Test the first live day against the mock agencies as recorded (about 5 minutes)
	@$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile -m rehearsal --durations=5 tests/rehearsal

faults: export KLIMATPULS_EXAMPLES := 300
faults: env-dev ## Run the fault tests with 300 synthetic releases and registers each (about 20 minutes)
	@$(PYTEST) tests/faults

test-real: env-dev ## Test parsers, gates, formulas and whole runs on the real figures (folder: KLIMATPULS_REAL_DATA)
	@$(PYTEST) -m "(real_run or real_data) and not live"

test-bi: env-dev env-bi ## Start Superset on synthetic figures and check every chart in a headless Chromium
	@$(PYTHON) -m pytest -m bi --capture=no --durations=8 tests/bi

lint: env-dev ## Check style, types, layers and SQL
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/sqlfluff lint --disable-progress-bar include/sql

bench: env-dev ## Measure parsing, loading, fitting, publishing and the whole pipeline (about 20 minutes)
	@$(PYTHON) bench/run.py

lock: env-dev ## Resolve the newest versions and write the lock files
	@printf 'uv\nsetuptools\n' | .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header - > requirements-uv.new
	@{ echo '# What installs the rest: the installer and the build backend, pinned by hash (made by "make lock").'; \
		cat requirements-uv.new; } > requirements-uv.txt
	@rm requirements-uv.new
	@.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-annotate requirements.in -o requirements.txt
	@.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-annotate requirements-dev.in -o requirements-dev.txt
	@.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--generate-hashes --no-annotate bi/requirements.in -o bi/requirements.txt
