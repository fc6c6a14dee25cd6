# Every command of every task of a Python package, once. Its Makefile includes this file; at the
# root, it is given PATHS for what one process can do for all packages: the shell takes them apart.
override ROOT := $(or $(patsubst %/tools/make/py.mk,%,$(filter-out tools/make/py.mk,$(lastword $(MAKEFILE_LIST)))),.)
include $(ROOT)/tools/make/common.mk

override OUTPUTS := dist build htmlcov .coverage ':(glob).coverage.*' .hypothesis .mypy_cache .pytest_cache .ruff_cache ':(glob)**/*.egg-info/**' ':(glob)**/__pycache__/**'

# The tools come from the root's environment where this one has none of its own.
override TOOL = PATH="$(VENV)/bin:$(BIN):$$PATH"

##@ Daily
install: ## Make the environment, if anything changed (PRINT=1 shows how)
.PHONY: lint format type-check test test-coverage check build clean
lint: ready ## Check style: ruff
	$(Q)$(TOOL) command -v ruff >/dev/null || $(call ADD,ruff)
	$(Q)$(TOOL) ruff check $$PATHS
	$(Q)$(TOOL) ruff format --check $$PATHS

format: ready ## Format: ruff
	$(Q)$(TOOL) command -v ruff >/dev/null || $(call ADD,ruff)
	$(Q)$(TOOL) ruff check --fix-only --quiet $$PATHS
	$(Q)$(TOOL) ruff format $$PATHS

type-check: ready ## Check types: mypy --strict
	$(Q)"$(BIN)/python" -I -m monorepo.tasks.typecheck --config-file=$(ROOT)/pyproject.toml --python-executable="$(VENV)/bin/python" $$PATHS

# -P: tests import what is installed, not what lies in the folder.
override PYTEST = $(APART) PYTEST_ADDOPTS="$$PYTEST_ADDOPTS $$ARGS" "$(VENV)/bin/python" -P -m pytest -c $(ROOT)/pyproject.toml --rootdir=.
# Exit code 5 means that pytest collected nothing: tests that nobody runs prove nothing.
override NO_TESTS = { code=$$?; [ $$code -ne 5 ] || $(NO_TEST); exit $$code; }

test: ready ## Run the tests that need no GPU and are not slow (ARGS="-k name")
	$(Q)$(PYTEST) || $(NO_TESTS)

test-coverage: ready ## The same, with the coverage gate and htmlcov/
	$(Q)for file in src/*/__init__.py; do \
	    name=$${file#src/}; [ ! -e "$$file" ] || set -- "$$@" "--cov=$${name%/__init__.py}"; done; \
	  $(PYTEST) --cov-config=$(ROOT)/pyproject.toml "$$@" --cov-report=term-missing --cov-report=html || $(NO_TESTS)

check: lint type-check test ## All of lint, type-check and test

##@ Delivery
# From a copy: setuptools would put in what an earlier build has noted, even if it should be out now.
# What is shipped has the text of its licence: the repository's, unless the package has its own.
build: ready ## Make the wheel and the sdist in dist/
	$(Q)rm -rf dist && mkdir dist
	$(Q)copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && trap 'exit 1' HUP INT TERM && \
	  tar -cf - $(foreach name,./.venv ./.nox ./dist ./build ./htmlcov ./src/*.egg-info __pycache__,--exclude='$(name)') . | tar -xf - -C "$$copy" && \
	  { [ -e LICENSE ] || cp $(ROOT)/LICENSE "$$copy"; } && \
	  $(TOOL) uv build --quiet --python "$(VENV)/bin/python" --require-hashes --build-constraints $(ROOT)/tools/hashes.txt --out-dir dist "$$copy"

ifneq ($(wildcard src/*/main.py),)
include $(ROOT)/tools/make/services-py.mk
endif

##@ Upkeep
clean: ## Remove build output and caches, never what git tracks
	$(Q)git clean -fdxq -- $(OUTPUTS)
