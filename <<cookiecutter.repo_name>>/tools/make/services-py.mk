# What a Python service can do beyond a package; included by py.mk.
##@ Service
.PHONY: dev smoke
dev: ready ## Serve on PORT, reload when the code changes, here or in a shared package
	@exec "$(VENV)/bin/python" -m uvicorn $(firstword $(IMPORTS)).main:app \
	  --port "$${PORT:-$$(sed -n 's/^port = //p' pyproject.toml)}" --reload --reload-dir src $(patsubst %,--reload-dir %,$(wildcard $(ROOT)/shared/py/*/src))

smoke: ## Prove it alone: clean environment, tests, start, GET /health, stop
	@$(MONOREPO) smoke $(PACKAGE)
