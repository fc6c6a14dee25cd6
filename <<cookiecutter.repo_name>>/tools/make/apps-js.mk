# What a browser app does in its own way; its Makefile includes this file. `scripts` in package.json have
# the commands of its bundler.
override EXTENDED := yes
include $(patsubst %/apps-js.mk,%/js.mk,$(lastword $(MAKEFILE_LIST)))

##@ App
.PHONY: dev build smoke
# The command takes the place of its shell: `node --run` would end before what it runs.
dev: ready ## Serve on PORT, show changes at once, here or in a shared package
	$(Q)export $(TOOL); script=$$(node --print 'JSON.parse(fs.readFileSync("package.json")).scripts.dev'); \
	  PATH="$$PWD/node_modules/.bin:$$PATH"; exec $(MONOREPO) serve . sh -c "$$script"

build: ready ## Build static files to dist/
	$(Q)$(TOOL) node --run build

smoke: ## Test it alone: clean copy, build, look at the page, tests
	$(Q)$(MONOREPO) smoke .
