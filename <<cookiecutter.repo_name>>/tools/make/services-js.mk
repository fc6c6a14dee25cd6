# What a JavaScript service can do beyond a package; included by js.mk.
##@ Service
.PHONY: dev smoke bundle
dev: ready ## Serve on PORT, restart when the code changes, here or in a shared package
	$(Q)$(TOOL) exec $(MONOREPO) serve . node --watch --watch-preserve-output --conditions=source src/main.ts

smoke: ## Test it alone: clean copy, tests, build, start, GET /health, stop
	$(Q)$(MONOREPO) smoke .

bundle: ## Collect what installs it without an index, in build/bundle
	$(Q)$(MONOREPO) bundle .
