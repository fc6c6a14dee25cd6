# Every command of every task of a Python package, once. Its Makefile includes this file; at the
# root, it gets PATHS, for one process over all packages; the shell splits them into words.
override ROOT := $(or $(patsubst %/tools/make/py.mk,%,$(filter-out tools/make/py.mk,$(lastword $(MAKEFILE_LIST)))),.)
include $(ROOT)/tools/make/common.mk

override OUTPUTS := dist build htmlcov .coverage ':(glob).coverage.*' .hypothesis .mypy_cache .pytest_cache .ruff_cache ':(glob)**/*.egg-info/**' ':(glob)**/__pycache__/**'

# The tools are those of the root's environment if this one has none.
override TOOL = PATH="$(VENV)/bin:$(BIN):$$PATH"

##@ Daily
install: ## Create or update the environment (PRINT=1 shows the commands)
.PHONY: lint format type-check test test-coverage check build clean
lint: ready ## Check style: ruff
	$(Q)$(TOOL) command -v ruff >/dev/null || $(call ADD,ruff)
	$(Q)$(TOOL) ruff check $$PATHS
	$(Q)$(TOOL) ruff format --check $$PATHS

format: ready ## Format: ruff
	$(Q)$(TOOL) command -v ruff >/dev/null || $(call ADD,ruff)
	$(Q)$(TOOL) ruff check --fix-only --quiet $$PATHS
	$(Q)$(TOOL) ruff format $$PATHS

# A package without code is a set of dependencies: it has nothing to check the types of, or to test.
override IF_CODE = $(if $(shell sed -n '/^packages = \[\]$$/p' pyproject.toml),echo "$@: there is no code in this package" ||)

type-check: ready ## Check types: mypy --strict
	$(Q)$(IF_CODE) "$(BIN)/python" -I -m monorepo.tasks.typecheck --config-file=$(ROOT)/pyproject.toml --python-executable="$(VENV)/bin/python" $$PATHS

# -P: tests import the installed package, not modules in the current folder.
override PYTEST = $(APART) PYTEST_ADDOPTS="$$PYTEST_ADDOPTS $$ARGS" "$(VENV)/bin/python" -P -m pytest -c $(ROOT)/pyproject.toml --rootdir=.
# Exit code 5 means that pytest collected nothing: a package without tests that run must fail.
override NO_TESTS = { code=$$?; [ $$code -ne 5 ] || $(NO_TEST); exit $$code; }

test: ready ## Run the tests that need no GPU and are not slow (ARGS="-k name")
	$(Q)$(IF_CODE) $(PYTEST) || $(NO_TESTS)

test-coverage: ready ## Run the tests with the coverage gate and htmlcov/
	$(Q)$(IF_CODE) { for file in src/*/__init__.py; do \
	    name=$${file#src/}; [ ! -e "$$file" ] || set -- "$$@" "--cov=$${name%/__init__.py}"; done; \
	  $(PYTEST) --cov-config=$(ROOT)/pyproject.toml "$$@" --cov-report=term-missing --cov-report=html || $(NO_TESTS); }

check: lint type-check test ## Run lint, type-check and test

##@ Delivery
build: ready ## Build the wheel and the sdist in dist/
	$(Q)$(MONOREPO) build --python "$(VENV)/bin/python" .

# A fragment that includes this one says so, and has targets of its own. A service has a smoke test;
# any package may have a module main.
ifneq ($(if $(filter override,$(origin EXTENDED)),,$(and $(wildcard src/*/main.py),$(wildcard scripts/smoke.sh))),)
include $(ROOT)/tools/make/services-py.mk
endif

##@ Upkeep
clean: ## Remove build output and caches, never what git tracks
	$(Q)git clean -fdxq -- $(OUTPUTS)
