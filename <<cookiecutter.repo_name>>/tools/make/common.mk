# Included by every Makefile here; ROOT is the relative path to the repository's root. `make help`
# needs no environment, no network and no git.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# User input is data: $(value) keeps Make from evaluating it, and commands get it through the
# environment, so that no shell evaluates it. Only Make's command line counts, because a shell may have
# variables of these names for other purposes.
given = $(if $(findstring command line,$(origin $(1))),$(value $(1)))
# Whether a switch is on: 0, no and false are off.
on = $(filter-out 0 n N no No NO off Off OFF false False FALSE,$(1))
override ANSWERS := $(call given,ANSWERS)
override ARGS := $(call given,ARGS)
override AT := $(call given,AT)
override BASE := $(call given,BASE)
override BUMP := $(call given,BUMP)
# Results that are known are used, unless this is 0.
override CACHE := $(if $(call given,CACHE),$(or $(call on,$(call given,CACHE)),0))
override CHANGED := $(call on,$(call given,CHANGED))
override CHECK := $(call on,$(call given,CHECK))
override DEPS := $(call given,DEPS)
# The example is left out by 0, and there by default.
override EXAMPLE := $(if $(call given,EXAMPLE),$(or $(call on,$(call given,EXAMPLE)),0))
override EXTRAS := $(call given,EXTRAS)
override FILES := $(call given,FILES)
override FIX := $(call on,$(call given,FIX))
override FOCUS := $(call given,FOCUS)
override FORMAT := $(call given,FORMAT)
override FROM := $(call given,FROM)
override HEAD := $(call given,HEAD)
override KIND := $(call given,KIND)
override MODULE := $(call given,MODULE)
override NODE_BIN := $(call given,NODE_BIN)
override OFFLINE := $(call on,$(call given,OFFLINE))
override OUT := $(call given,OUT)
override PATHS := $(or $(call given,PATHS),.)
override PKG := $(call given,PKG)
override PLATFORM := $(call given,PLATFORM)
override PRINT := $(call on,$(call given,PRINT))
override PYTHON_VERSION := $(call given,PYTHON_VERSION)
override RULE := $(call given,RULE)
override SET := $(call given,SET)
override SVG := $(call given,SVG)
override TAG := $(call given,TAG)
override TEMPLATE := $(call given,TEMPLATE)
override TO := $(call given,TO)
override UNDO := $(call on,$(call given,UNDO))
override UPGRADE := $(call given,UPGRADE)
override V := $(call on,$(call given,V))
override WHY := $(call given,WHY)
override WHY_RUN := $(call on,$(call given,WHY_RUN))
# Tasks of the root, nox and smoke pass NODE_BIN and PATHS, like VENV below, to a package. DRY_RUN
# counts from a shell as well, because ignoring it would be worse.
override DRY_RUN := $(call on,$(value DRY_RUN))
override PYTHON := $(value PYTHON)
export ANSWERS ARGS AT BASE BUMP CACHE CHANGED CHECK DEPS DRY_RUN EXAMPLE EXTRAS FILES FOCUS FORMAT FROM HEAD KIND MODULE
export NODE_BIN OFFLINE OUT PATHS PKG PLATFORM PYTHON PYTHON_VERSION RULE SET SVG TAG TEMPLATE TO UNDO UPGRADE V WHY WHY_RUN

# V=1 shows each command, also those that commands start.
override Q := $(if $(V),,@)

# Git sets these for hooks, aliases and `rebase --exec`. Commands here, such as tests and `git clean`,
# must work on the repository of their folder.
unexport GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_DIR GIT_GRAFT_FILE \
  GIT_IMPLICIT_WORK_TREE GIT_INDEX_FILE GIT_NAMESPACE GIT_OBJECT_DIRECTORY GIT_PREFIX \
  GIT_SHALLOW_FILE GIT_WORK_TREE

# A module path of the shell must not apply to the Python processes started here.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV
# Python reads paths of packages in the locale's encoding; in ASCII, an ä would fail.
ifneq ($(filter C POSIX,$(value LC_ALL)),)
export LC_ALL := C.UTF-8
endif

# Paths in recipes are relative, because the repository's path may have any characters.
override BIN := $(ROOT)/.venv/bin
override MONOREPO := sh $(ROOT)/tools/make/monorepo.sh

# The environment to work in, quoted for the shell. Callers that pass VENV (nox, smoke, the tasks of
# the root) have filled that environment.
override GIVEN_VENV := $(call given,VENV)
export GIVEN_VENV
PYTHON_ENV = $(if $(filter ..,$(ROOT)),,$(shell sed -n 's/^python-env = "\(.*\)"/\1/p' $(ROOT)/pyproject.toml))
override VENV = $${GIVEN_VENV:-$(if $(filter per-package uv,$(PYTHON_ENV)),.venv,$(ROOT)/.venv)}
.PHONY: ready install
ifeq ($(GIVEN_VENV),)
ready: install
endif

# At the root, for all packages or those of PKG; elsewhere, for the package in this folder.
install:
	$(Q)$(MONOREPO) install $(if $(PRINT),--print) $(if $(filter .,$(ROOT)),,.)

# Make has one exit code for all failures: this file tells the fan-out that ARGS selected no test here.
override UNMATCHED := $(call given,UNMATCHED)
export UNMATCHED
override NO_TEST := { [ -z "$$UNMATCHED" ] || : > "$$UNMATCHED"; echo "monorepo: tests: no test was collected; add one, or correct ARGS" >&2; }
# A make that tests start must not inherit the variables of this one.
override APART := MAKEFLAGS= MFLAGS= MAKELEVEL= UNMATCHED= V=

# The team may remove tools from its dependencies: the error names the missing one.
override ADD = { echo "monorepo: $(1): not installed; add it to [dependency-groups] dev in pyproject.toml, and run make lock" >&2; exit 2; }

.PHONY: help
help: ## Show this help
	$(Q)awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z][a-z-]*:.*## / { printf "  %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
