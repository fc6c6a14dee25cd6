# What a Python service can do beyond a package; included by py.mk.
##@ Service
.PHONY: dev smoke
dev: ready ## Serve on PORT, reload when the code changes, here or in a shared package
	@set -- src/*/main.py; name=$${1#src/}; set --; \
	  for folder in src $(ROOT)/shared/py/*/src; do set -- "$$@" --reload-dir "$$folder"; done; \
	  exec "$(VENV)/bin/python" -m uvicorn "$${name%/main.py}.main:app" \
	  --port "$${PORT:-$$(sed -n 's/^port = //p' pyproject.toml)}" --reload "$$@"

smoke: ## Test it alone: clean environment, tests, start, GET /health, stop
	@$(MONOREPO) smoke .
