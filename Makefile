# The commands of this repository. `make` lists them.

PORT ?= 8080
PROXY ?=
ARGS ?=

BIN := .venv/bin
# What was given reaches the shell through its environment, whatever characters it has, and
# is not printed: there may be a password in the proxy's address.
export PORT PROXY
SERVE := @$(BIN)/python tools/serve.py dist --port "$$PORT" $(if $(PROXY),--proxy "$$PROXY")

# What runs side by side is told one after the other, by a make that can do that.
TIDY := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.DEFAULT_GOAL := help

# Neighbours stay together, since they share pages; who is through takes from the other.
SIDE_BY_SIDE := -n 2 --dist worksteal

# Everything that is called by a name that is no file.
.PHONY: help run test build config vendor dist serve lint format types unit proxy pyodide e2e \
	build-test dropin hosts pages browsers audit setup-audit bench lock clean setup-run setup-test

help: ## list these commands
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile \
		| while IFS='|' read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

run: dist ## set up, build and serve the page (PROXY=http://host:port PORT=8080)
	$(SERVE)

test: setup-test ## set up and run every check and test
	@$(MAKE) --no-print-directory -j2 $(TIDY) lint types proxy pyodide unit build-test
	@$(MAKE) --no-print-directory pages
	@$(MAKE) --no-print-directory browsers

build: vendor ## make the repository's own index.html work from any static server

vendor: setup-run
	$(BIN)/python tools/build.py vendor

dist: setup-run ## build the page into dist/, ready for any static host
	$(BIN)/python tools/build.py dist
	$(BIN)/python tools/dropin.py
	$(BIN)/python tools/sbom.py

serve: setup-run ## serve dist/ as it is (PROXY=http://host:port PORT=8080)
	$(SERVE)

config: setup-run ## list the files of py/ in pyscript.toml
	$(BIN)/python tools/build.py config

lint: setup-test ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup-test ## put the format right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup-test ## check types
	$(BIN)/mypy

unit: setup-test ## unit and parity tests (ARGS='-k name')
	$(BIN)/pytest tests/unit tests/parity -n 2 $(ARGS)

proxy: setup-test ## tests against the stand-in proxy
	$(BIN)/pytest tests/proxy $(ARGS)

pyodide: setup-test ## unit and parity tests inside Pyodide, the page's Python
	$(BIN)/node tests/pyodide/run.mjs tests/unit tests/parity -m "not sources and not processor" $(ARGS)

build-test: setup-test dist ## build the page again elsewhere, and compare every byte
	$(BIN)/pytest tests/build $(ARGS)

e2e: setup-test dist ## tests of the built page in Chromium
	$(BIN)/pytest tests/e2e $(SIDE_BY_SIDE) $(ARGS)

dropin: setup-test dist ## tests of the drop-in sessions.js in Chromium
	$(BIN)/pytest tests/dropin $(SIDE_BY_SIDE) $(ARGS)

hosts: setup-test dist ## tests of the built page on nginx, Caddy, lighttpd and http.server
	$(BIN)/pytest tests/hosts $(SIDE_BY_SIDE) -rfEs $(ARGS)

pages: setup-test ## all of these, of the dist/ that is there
	$(BIN)/pytest tests/e2e tests/dropin tests/hosts $(SIDE_BY_SIDE) -rfEs $(ARGS)

browsers: setup-test ## the same dist/ in Firefox and WebKit, where these can be had
	$(BIN)/pytest tests/browsers -n 2 -rfEs $(ARGS)

bench: setup-test dist ## measure boot, throughput and the border to Python
	$(BIN)/python tests/bench/boot.py
	$(BIN)/python tests/bench/throughput.py
	$(BIN)/python tests/bench/boundary.py

lock: ## write the lock files anew
	@python=$$(tools/python.sh) && "$$python" tools/setup.py lock

audit: setup-audit ## ask whether pinned versions are known to be vulnerable
	@$(BIN)/python tools/audit.py

clean: ## remove everything that set-up and build have made
	rm -rf .venv build dist .dist-* node_modules static/vendor
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache test-results
	find py tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

setup-run:
	@python=$$(tools/python.sh) && "$$python" tools/setup.py run

setup-test:
	@python=$$(tools/python.sh) && "$$python" tools/setup.py test

setup-audit:
	@python=$$(tools/python.sh) && "$$python" tools/setup.py audit
