# The two commands of this template: `make new` and `make test`. Each sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help new test test-fast check lock bench clean

# Answers are data: they reach hooks/new.py as they are, and nothing evaluates them on the way.
override OUT := $(value OUT)
override ANSWERS := $(value ANSWERS)
override ARGS := $(value ARGS)
export OUT ANSWERS ARGS

PYTHON ?= python3
BIN := .venv/bin

help: ## Show this help
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "%-10s %s\n", $$1, $$2 }' Makefile

new: .venv/new.stamp ## Make a monorepo below OUT (the parent folder); ANSWERS='--no-input namespace=acme'
	@PYTHONPATH=. $(BIN)/python -m hooks.new

# The first line of each stamp's recipe runs where there is nothing but Python.
.venv/new.stamp: constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("make: PYTHON is older than 3.11; give PYTHON=python3.11 or newer")'
	@$(PYTHON) -m venv --clear .venv || { echo "make: PYTHON has no venv; install it (Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "setting up .venv" >&2
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt cookiecutter uv
	@touch $@
