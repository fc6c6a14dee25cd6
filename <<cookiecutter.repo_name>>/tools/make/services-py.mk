# What a Python service can do beyond a package; included by py.mk.
##@ Service
.PHONY: dev migrate openapi settings settings-table smoke bundle
dev: ready ## Serve on PORT, reload when the code changes, here or in a shared package
	$(Q)set -- src/*/main.py; name=$${1#src/}; \
	  exec $(MONOREPO) serve . "$(VENV)/bin/python" -P -m "$${name%/main.py}.main"

migrate: ready ## Run its command migrate: bring its database, if it has one, up to date
	$(Q)set -- src/*/main.py; name=$${1#src/}; \
	  exec $(MONOREPO) serve --once . "$(VENV)/bin/python" -P -m "$${name%/main.py}.main" migrate

openapi: ready ## Print its OpenAPI document, without starting it
	@set -- src/*/main.py; name=$${1#src/}; \
	  exec $(MONOREPO) serve --once . "$(VENV)/bin/python" -P -m "$${name%/main.py}.main" --openapi

settings: ready ## Update the table of environment variables in README.md (DRY_RUN=1 shows the change)
	$(Q)$(MONOREPO) settings .

# What `settings` writes, on standard output.
settings-table: ready
	@set -- src/*/main.py; name=$${1#src/}; exec "$(VENV)/bin/python" -P -m "$${name%/main.py}.main" --settings

smoke: ## Test it alone: clean environment, tests, start, GET /health, stop
	$(Q)$(MONOREPO) smoke .

bundle: ## Collect what installs it without an index, in build/bundle
	$(Q)$(MONOREPO) bundle .
