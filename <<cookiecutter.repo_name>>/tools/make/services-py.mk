# What a Python service can do beyond a package; included by py.mk.
##@ Service
.PHONY: dev smoke bundle
dev: ready ## Serve on PORT, reload when the code changes, here or in a shared package
	$(Q)set -- src/*/main.py; name=$${1#src/}; \
	  exec $(MONOREPO) serve . "$(VENV)/bin/python" -P -m "$${name%/main.py}.main"

smoke: ## Test it alone: clean environment, tests, start, GET /health, stop
	$(Q)$(MONOREPO) smoke .

bundle: ## Collect what installs it without an index, in build/bundle
	$(Q)$(MONOREPO) bundle .
