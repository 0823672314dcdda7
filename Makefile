# evenfield: everything runs in .venv, which these rules make and which 'make clean' removes. GNU make.

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench acceptance docs package clean

PIP := .venv/bin/python -m pip --disable-pip-version-check -qq
ARGS ?=

help:
	@echo "make demo               environment, simulated night, its master flats"
	@echo "make demo INPUT=folder  the same with your own frames"
	@echo "make test               the whole test suite (ARGS='-k name' for part of it)"
	@echo "make lint               ruff, mypy, import contracts"
	@echo "make bench              times, memory and ratios to other programs (ARGS=--quick to try it)"
	@echo "make acceptance         the long tests: thousands of damaged folders, large frames"
	@echo "make docs               the pages that are generated from the code"
	@echo "make package            wheel and source archive in dist/"
	@echo "make clean              remove .venv, caches and the demo's files"

# The first Python that is new enough and can make environments; where none is, one line says what is missing.
.venv/bin/python: | check-venv
	@chosen=""; lacking=""; \
	for python in python3.13 python3.12 python3.11 python3; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then chosen="$$python"; break; fi; \
	  lacking="$${lacking:-$$python}"; \
	done; \
	if [ -z "$$chosen" ] && [ -n "$$lacking" ]; then \
	  echo "$$lacking cannot make environments. Debian, Ubuntu: apt-get install $$lacking-venv" >&2; exit 1; \
	elif [ -z "$$chosen" ]; then \
	  echo "Python 3.11 or newer is needed. Debian, Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; \
	fi; \
	echo "Making an environment in .venv with $$chosen ..." >&2; \
	"$$chosen" -m venv --clear .venv

# An environment whose Python has gone (an upgrade, a moved folder) is made anew.
.PHONY: check-venv
check-venv:
	@if [ -e .venv ] && ! .venv/bin/python -c '' 2>/dev/null; then rm -rf .venv; fi

.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing evenfield and what it needs ..." >&2
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

.venv/installed-dev: pyproject.toml constraints.txt | .venv/installed
	@echo "Installing what tests and checks need ..." >&2
	@$(PIP) install --constraint constraints.txt --editable ".[dev]"
	@touch $@

# INPUT reaches the shell through the environment, so that folders with blanks and quotes work.
demo: .venv/installed
	@if [ -n "$$INPUT" ]; then \
	  .venv/bin/evenfield flats "$$INPUT" -o evenfield-demo/masters; \
	else \
	  .venv/bin/evenfield demo -o evenfield-demo; \
	fi

test: .venv/installed-dev
	@.venv/bin/python -m pytest -n auto $(ARGS)

lint: .venv/installed-dev
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .
	@.venv/bin/python -m mypy
	@.venv/bin/lint-imports

bench: .venv/installed
	@.venv/bin/python benchmarks/bench.py $(ARGS)

# The long tests are those whose number of cases the environment decides.
acceptance: .venv/installed-dev
	@cases="$${EVENFIELD_ACCEPTANCE:-10000}"; \
	export EVENFIELD_ACCEPTANCE="$$cases" EVENFIELD_DAMAGED_FOLDERS="$$cases"; \
	grep -rlE --include='test_*.py' 'EVENFIELD_(ACCEPTANCE|DAMAGED_FOLDERS)' tests | \
	  xargs .venv/bin/python -m pytest -n auto $(ARGS)

docs: .venv/installed
	@.venv/bin/python docs/generate.py
	@.venv/bin/python docs/make_pictures.py
	@.venv/bin/python docs/make_window_pictures.py
	@.venv/bin/python docs/make_report_picture.py

package: .venv/installed-dev
	@rm -rf dist
	@.venv/bin/python -m build --outdir dist .

clean:
	rm -rf .venv dist evenfield-demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .numba_cache
