# What a Python app can do beyond a package; its Makefile includes this file.
override EXTENDED := yes
include $(patsubst %/apps-py.mk,%/py.mk,$(lastword $(MAKEFILE_LIST)))

##@ App
.PHONY: smoke bundle
smoke: ## Test it alone: clean environment, tests, --version of its commands
	$(Q)$(MONOREPO) smoke .

bundle: ## Collect what installs it without an index, in build/bundle
	$(Q)$(MONOREPO) bundle .
