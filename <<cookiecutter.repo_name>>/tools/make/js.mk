# Every command of every task of a JavaScript package, once. Its Makefile includes this file; the
# root Makefile calls it with PATHS for what one process can do for all packages.
ROOT ?= ../../..
include $(ROOT)/tools/make/common.mk

# All packages of the root are the root itself: then its own files are looked at too.
PATHS ?= .
EVERY := $(patsubst %/,%,$(dir $(wildcard shared/js/*/package.json services/js/*/package.json)))
SCOPE = $(if $(filter-out $(PATHS),$(EVERY)),$(PATHS),.)

# Node and pnpm live in the root's environment, the tools in its node_modules.
NODE_BIN ?= $(CURDIR)/$(ROOT)/node_modules/.bin
TOOL = PATH="$(NODE_BIN):$(VENV)/bin:$(CURDIR)/$(BIN):$$PATH"

##@ Daily
install: ## Make the environment, if anything changed (PRINT=1 shows how)
.PHONY: lint format type-check test test-coverage check some-test compile build clean
lint: ready ## Check style: Biome
	@$(TOOL) biome check --error-on-warnings $(SCOPE)

format: ready ## Mend style: Biome
	@$(TOOL) biome check --write --linter-enabled=false $(SCOPE)

type-check: ready ## Check types: tsc
	@set -e; $(foreach path,$(SCOPE),$(TOOL) tsc -p $(path);)

# `source` is the door in a package's exports that leads to its TypeScript: no build comes first.
# ARGS travels in a variable that Node itself takes apart, so that no shell evaluates it.
NODE_TEST = $(TOOL) NODE_OPTIONS="$$NODE_OPTIONS $$ARGS" node --conditions=source --test

# Node finds no test file and says that all is well: tests that nobody runs prove nothing.
some-test:
	@[ -n "$$(find tests -name '*.test.ts' 2>/dev/null)" ] || \
	  { echo "$(PACKAGE): has no test; add tests/<name>.test.ts" >&2; exit 1; }

test: ready some-test ## Run the tests that need no GPU (ARGS="--test-name-pattern=word")
	@$(NODE_TEST) 'tests/**/*.test.ts'

test-coverage: ready some-test ## The same, with the coverage gate
	@$(NODE_TEST) --experimental-test-coverage --test-coverage-include='src/**' --test-coverage-lines=80 \
	  'tests/**/*.test.ts' "$(ROOT)/tools/make/sources.test.ts"

check: lint type-check test ## All of lint, type-check and test

##@ Delivery
# Compiles a package after those it references. Two of these side by side would write the same
# files: the root Makefile compiles all packages in one process before it packs each.
compile: ready
	@$(TOOL) tsc -b $(PATHS:%=%/tsconfig.build.json)

# The compiler leaves the output of a source file that is gone, and it would be shipped.
build: compile ## Compile to dist/, pack what is shipped to build/
	@find dist -name '*.js' | while IFS= read -r file; do \
	  source=src/$${file#dist/}; [ -e "$${source%.js}.ts" ] || rm -f "$${file%.js}.js" "$${file%.js}.d.ts"; done
	@rm -rf build
	@$(TOOL) pnpm pack --silent --pack-destination build
ifeq ($(wildcard src/main.ts),)
	@$(TOOL) publint --strict build/*.tgz
else
include $(ROOT)/tools/make/services-js.mk
endif

##@ Upkeep
clean: ## Remove build output, never what git tracks
	@git clean -fdxq -- dist build
