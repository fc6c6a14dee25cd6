# What every Makefile here shares. `make help` needs no environment, no network and no git.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-print-directory --no-builtin-rules

# Variables given by people and programs are data: their text reaches a command through the
# environment, and neither Make nor the shell ever evaluates it.
override ARGS := $(value ARGS)
export ARGS

# Git tells hooks, aliases and `rebase --exec` which repository it works on. What runs here, tests
# and `git clean` among it, is about the repository that its folder is in.
unexport GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_DIR GIT_GRAFT_FILE \
  GIT_IMPLICIT_WORK_TREE GIT_INDEX_FILE GIT_NAMESPACE GIT_OBJECT_DIRECTORY GIT_PREFIX \
  GIT_SHALLOW_FILE GIT_WORK_TREE

# Python finds packages by paths that it reads in the locale's encoding; in ASCII, an ä stops it.
ifneq ($(filter C POSIX,$(LC_ALL)),)
export LC_ALL := C.UTF-8
endif

# The repository's own interpreter, or PYTHON while there is none.
PYTHON ?= python3
BIN := $(ROOT)/.venv/bin
INTERPRETER := $(firstword $(wildcard $(BIN)/python) $(PYTHON))
MONOREPO = PYTHONPATH="$(ROOT)/tools/src" "$(INTERPRETER)" -m monorepo --root "$(ROOT)"

# The path by which this package is spoken of, such as shared/py/core: the end of the folder's
# own, which is taken apart by words because the part before it may contain spaces.
folders := $(subst /, ,$(CURDIR))
depth := $(words $(subst /, ,$(ROOT)))
last = $(if $(filter $(depth),$(words $(1))),$(1),$(call last,$(wordlist 2,$(words $(1)),$(1))))
PACKAGE := $(if $(filter .,$(ROOT)),,$(subst $() ,/,$(call last,$(folders))))

# VENV is the environment to work in. Who gives one (nox, smoke, the root Makefile) has filled it.
.PHONY: ready install
ifeq ($(origin VENV),undefined)
PYTHON_ENV = $(if $(filter tools,$(PACKAGE)),,$(shell sed -n 's/^python-env = "\(.*\)"/\1/p' "$(ROOT)/pyproject.toml"))
VENV = $(if $(filter per-package,$(PYTHON_ENV)),.venv,$(ROOT)/.venv)
ready: install
endif

install:
	@$(MONOREPO) install $(if $(value PRINT),--print) $(PACKAGE)

.PHONY: help
help: ## Show this help
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z][a-z-]*:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
