# `make new` makes a monorepo, `make test` tests the template. Each sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help new test test-fast lint format lock schemas wheel release bench plants precision clean

# Data: it reaches programs through the environment, and neither Make nor the shell evaluates it.
override OUT := $(value OUT)
override ANSWERS := $(value ANSWERS)
override ARGS := $(value ARGS)
override UPGRADE := $(value UPGRADE)
override VERSION := $(value VERSION)
override EXAMPLE := $(value EXAMPLE)
export OUT ANSWERS EXAMPLE ARGS UPGRADE VERSION
export PYTHONPATH := .:src

# Git tells hooks, aliases and `rebase --exec` which repository it works on. What runs here is about
# this one.
unexport GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_DIR GIT_GRAFT_FILE \
  GIT_IMPLICIT_WORK_TREE GIT_INDEX_FILE GIT_NAMESPACE GIT_OBJECT_DIRECTORY GIT_PREFIX \
  GIT_SHALLOW_FILE GIT_WORK_TREE

# Without bytecode, tests and what they start compile all modules again and again.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraints constraints.txt
PYTEST = PYTEST_ADDOPTS="$$PYTEST_ADDOPTS $$ARGS" env -u ARGS $(BIN)/python -m pytest -n auto --dist worksteal

help: ## Show this help
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' Makefile

new: .venv/new.stamp ## Make a monorepo in OUT (default: ..); ANSWERS='--no-input namespace=acme' [EXAMPLE=0]
	@$(BIN)/python -m monorepo create -- "$${OUT:-..}"

test: lint ## Test the template, and everything that it makes, with the real tools; ARGS="-k name" for some of it
	@$(PYTEST) -m "slow or not slow"

test-fast: .venv/test.stamp ## Test units, and one bake of each shape: a minute of two cores
	@export TMPDIR="$$($(BIN)/python -m scripts.memory)"; $(PYTEST) tests/tooling tests/template/test_bake_files.py

lint: .venv/test.stamp ## Check style and types of the template's own code
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy

format: .venv/test.stamp ## Fix the style of the template's own code
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lock: .venv/test.stamp ## Refresh the pins, of the template and of what it makes (UPGRADE=all)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
	  --group test --group bench $(if $(value UPGRADE),--upgrade) --output-file constraints.txt pyproject.toml
	@$(BIN)/python -m scripts.lock

schemas: .venv/test.stamp ## Write the JSON Schemas of package.edn and service.edn into docs
	@$(BIN)/python -m scripts.schemas

wheel: .venv/new.stamp ## Write the wheel of this version, and its sha256, into dist
	@$(BIN)/python -m scripts.wheel

release: .venv/new.stamp ## Commit, build and tag a release; says how to publish it (VERSION=1.4.0)
	@$(BIN)/python -m scripts.release

bench: .venv/bench.stamp ## Measure beside peers
	@$(BIN)/python -m benchmarks.scaffold
	@$(BIN)/python -m benchmarks.environments
	@$(BIN)/python -m benchmarks.adding
	@$(BIN)/python -m benchmarks.upgrade
	@$(BIN)/python -m benchmarks.sessions
	@$(BIN)/python -m benchmarks.guard
	@$(BIN)/python -m benchmarks.manifests
	@$(BIN)/python -m benchmarks.renaming
	@$(BIN)/python -m benchmarks.services
	@$(BIN)/python -m benchmarks.shortener
	@$(BIN)/python -m benchmarks.affected
	@$(BIN)/python -m benchmarks.tasks

plants: .venv/test.stamp ## Plant violations of all rules in a monorepo, and count what is found (ARGS="--rule layers --show missed")
	@$(BIN)/python -m benchmarks.plants

precision: .venv/test.stamp ## Print what the rules find in a checkout of another repository (ARGS="../theirs --map 'libs/*=shared' --copy ../copy")
	@$(BIN)/python -m benchmarks.precision

clean: ## Remove environments, caches and dist, never what git tracks
	@git clean -fdxq -- .venv .nox dist .hypothesis .mypy_cache .pytest_cache .ruff_cache

# A user's settings of pip say where packages come from, and not where they go.
.venv/new.stamp: constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("PYTHON is older than 3.11; give PYTHON=python3.11 or newer")'
	@echo "setting up .venv" >&2
	@$(PYTHON) -m venv --clear .venv || { echo "PYTHON has no venv; install it (Debian: apt install python3-venv)" >&2; exit 1; }
	@env -u PIP_TARGET -u PIP_PREFIX PIP_USER=0 PIP_CONSTRAINT=/dev/null PIP_REQUIRE_VIRTUALENV=0 \
	  $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt cookiecutter packaging uv
	@touch $@

.venv/test.stamp .venv/bench.stamp: .venv/%.stamp: .venv/new.stamp pyproject.toml
	@$(INSTALL) --requirements pyproject.toml --group $*
	@touch $@
