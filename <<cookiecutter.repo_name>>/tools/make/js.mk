# Every command of every task of a JavaScript package, once. Its Makefile includes this file; at the
# root, it gets PATHS, for one process over all packages; the shell splits them into words.
override ROOT := $(or $(patsubst %/tools/make/js.mk,%,$(filter-out tools/make/js.mk,$(lastword $(MAKEFILE_LIST)))),.)
include $(ROOT)/tools/make/common.mk

# Node and pnpm live in the root's environment, the tools in its node_modules or in NODE_BIN.
override TOOL = PATH="$${NODE_BIN:-$$PWD/$(ROOT)/node_modules/.bin}:$(VENV)/bin:$$PWD/$(BIN):$$PATH"

##@ Daily
install: ## Create or update the environment (PRINT=1 shows the commands)
.PHONY: lint format type-check test test-coverage check some-test compile build clean
lint: ready ## Check style: Biome
	$(Q)$(TOOL) biome check --error-on-warnings $$PATHS

format: ready ## Format: Biome
	$(Q)$(MONOREPO) format-javascript $$PATHS

# What runs in browsers, and tests of it, are programs of their own; at the root, PATHS has them.
override PROGRAMS = $(if $(filter .,$(ROOT)),,$(wildcard tsconfig.browser.json tests/tsconfig.json))

type-check: ready ## Check types: tsc
	$(Q)set -e; for path in $$PATHS $(PROGRAMS); do $(TOOL) tsc --noEmit -p "$$path"; done

# With the condition `source` in `exports`, TypeScript is imported without a build. ARGS is passed in
# a variable that Node itself parses, so that no shell evaluates it. Of pytest's options, -k has
# another name in Node, and -m has no counterpart.
override NODE_TEST = case "$$ARGS" in "-k "*) ARGS="--test-name-pattern=$${ARGS\#-k }" ;; \
  "-m "*) $(NO_TEST); exit 5 ;; -[!-]*) ARGS= ;; esac; $(REPORTED); \
  $(TOOL) $(APART) NODE_OPTIONS="$$NODE_OPTIONS $$ARGS" node --conditions=source --test "$$@"
# Node reports a file without a test that ARGS selects as a passed test with the name of the file: if
# there are only such tests in a report, none ran.
override REPORTED = case "$$ARGS" in "" | *--test-reporter*) ;; *) \
  report=$$(mktemp) && trap 'rm -f "$$report"' EXIT && trap 'exit 1' HUP INT TERM && \
  set -- --test-reporter=spec --test-reporter-destination=stdout --test-reporter=tap --test-reporter-destination="$$report" ;; esac
override ANY_RAN = { [ -z "$$report" ] || grep -E '^(not )?ok ' "$$report" | grep -qv ' - tests/.*\.test\.ts$$' || { $(NO_TEST); exit 5; }; }

# Another runner is the script `test` of package.json. It gets -k as -t, as Vitest and Jest have it.
override OTHER = { grep -q '^ *"test": "' package.json && ! grep -q '^ *"test": "make ' package.json; }
override OTHER_TEST = case "$$ARGS" in "-k "*) set -- "$$@" -t "$${ARGS\#-k }" ;; esac; $(TOOL) $(APART) node --run test -- "$$@"

# Without test files, Node succeeds: a package without tests that run must fail.
some-test:
	$(Q)[ -n "$$(find tests -name '*.test.ts' 2>/dev/null)" ] || $(OTHER) || \
	  { echo "monorepo: tests: has no test; add tests/<name>.test.ts" >&2; exit 1; }

test: ready some-test ## Run the tests that need no GPU and are not slow (ARGS="-k name")
	$(Q)if $(OTHER); then $(OTHER_TEST); else $(NODE_TEST) 'tests/**/*.test.ts' && $(ANY_RAN); fi

test-coverage: ready some-test ## Run the tests with the coverage gate and coverage/
	$(Q)rm -rf coverage
	$(Q)if $(OTHER); then set -- --coverage; $(OTHER_TEST); else \
	  export NODE_V8_COVERAGE="$$PWD/coverage/tmp"; \
	  $(NODE_TEST) 'tests/**/*.test.ts' $(ROOT)/tools/make/sources.test.ts && $(ANY_RAN) && \
	  $(TOOL) NODE_V8_COVERAGE= c8 report --include='src/**' --reporter=text --reporter=html --check-coverage --lines=80; fi

check: lint type-check test ## Run lint, type-check and test

# A fragment that includes this one says so, and has targets of its own.
ifneq ($(origin EXTENDED),override)
##@ Delivery
# Compiles a package after its references. Parallel compilers would write the same files, so the root
# compiles all packages in one process before it packs each.
compile: ready
	$(Q)for path in $$PATHS; do set -- "$$@" "$$path/tsconfig.build.json"; done; $(TOOL) tsc -b "$$@"

# The compiler keeps the output of removed source files, which must not be shipped.
build: compile ## Compile to dist/, pack the tarball to build/
	$(Q)find dist -name '*.js' -exec sh -c 'for file do source=src/$${file#dist/}; \
	  [ -e "$${source%.js}.ts" ] || rm -f "$${file%.js}.js" "$${file%.js}.d.ts"; done' sh {} +
	$(Q)rm -f build/*.tgz
	$(Q)$(TOOL) pnpm pack --silent --pack-destination build
ifeq ($(and $(wildcard src/main.ts),$(wildcard scripts/smoke.sh)),)
	$(Q)$(TOOL) publint --strict build/*.tgz
else
include $(ROOT)/tools/make/services-js.mk
endif
endif

##@ Upkeep
clean: ## Remove build output, never what git tracks
	$(Q)git clean -fdxq -- dist build coverage
