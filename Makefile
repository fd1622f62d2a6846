# Everything a developer or an operator types. Needs python >= 3.11 with venv, and nothing else.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
# One more than there are processors: each waits for Postgres half of the time.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

.DEFAULT_GOAL := help
.PHONY: help install run test check trials bench lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.locked ## the locked environment in .venv, nothing else

run: install ## migrations, demo firm and server on http://127.0.0.1:8000
	$(BIN)/conecta serve --demo

test: .venv/.locked-test ## install what the tests need and run them all
	$(PYTEST) -n $(WORKERS)

check: .venv/.locked-test ## lint, types, house rules, migrated database == declared database
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -q tests/test_house_rules.py tests/test_schema.py

trials: .venv/.locked-test ## the long ones: crashes, races, soak, whole-document fuzzing
	$(PYTEST) -m trial -n $(WORKERS) --dist loadfile --no-loadscope-reorder

bench: .venv/.locked-test ## the product beside its bare limit, in one run; writes bench.json
	$(BIN)/python -m benchmarks

lock: ## pin every dependency again, with hashes and without addresses (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group build -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group build --group test -c requirements.lock -o requirements-test.lock

clean: ## remove the environment and caches; data folders stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/.locked: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.locked-test: .venv/.locked requirements-test.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements-test.lock
	@touch $@
