# What a JavaScript service can do beyond a package; included by js.mk.
##@ Service
.PHONY: dev migrate settings settings-table smoke bundle
dev: ready ## Serve on PORT, restart when the code changes, here or in a shared package
	$(Q)$(TOOL) exec $(MONOREPO) serve . node --watch --watch-preserve-output --conditions=source src/main.ts

migrate: ready ## Run its command migrate: bring its database, if it has one, up to date
	$(Q)$(TOOL) exec $(MONOREPO) serve --once . node --conditions=source src/main.ts migrate

settings: ready ## Update the table of environment variables in README.md (DRY_RUN=1 shows the change)
	$(Q)$(MONOREPO) settings .

# What `settings` writes, on standard output.
settings-table: ready
	@$(TOOL) exec node --conditions=source src/main.ts --settings

smoke: ## Test it alone: clean copy, tests, build, start, GET /health, stop
	$(Q)$(MONOREPO) smoke .

bundle: ## Collect what installs it without an index, in build/bundle
	$(Q)$(MONOREPO) bundle .
