# Two commands: `make demo` and `make test`. Both set up what they need in .venv.

PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help demo test check unit bench docs lock format clean

help: ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

# pip compiles what it installs; without that, every import of TensorFlow would take twice as long.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Dure needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q dure
	touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

demo: .venv/installed ## from raw data to a served prediction, on the Palmer penguins
	$(BIN)/python examples/penguins/demo.py

check: .venv/installed-dev ## lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

test: check unit ## every check and every test

unit: .venv/installed-dev
	tools/with-postgres $(PYTEST) -n 2 --dist loadfile --cov --cov-report=term:skip-covered

bench: .venv/installed-dev ## every benchmark; results go to benchmarks/RESULTS.md by hand
	for file in benchmarks/bench_*.py; do $(BIN)/python $$file || exit 1; done

docs: .venv/installed-dev ## run every example of the documentation
	$(PYTEST) tests/test_docs.py

format: .venv/installed-dev ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/installed-dev ## bring the lock files up to date (no index address goes in)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras \
		--no-emit-index-url --no-emit-find-links --extra tensorflow --extra postgres --group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-strip-extras \
		--no-emit-index-url --no-emit-find-links -c requirements.lock --extra all --group dev pyproject.toml -o requirements-dev.lock

clean: ## remove what was installed and made
	rm -rf .venv .dure serving htmlcov .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
