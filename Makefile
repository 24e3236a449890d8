# Everything needs only Python 3.11+ and make. `make dev` on a fresh clone is enough to see it run.
#
#   make dev ARGS="--port 9000 --workers 2"
#   make test PYTEST="-k resume -x"
#   make install PYTHON=/opt/python/bin/python3.12

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
LOCKS := requirements.lock tests/requirements.lock
# The first of these that is a Python 3.11 or newer and can do the job. A name alone says little: version managers
# leave commands on the PATH that only print that they are not set up.
PYTHON ?= python3 python3.13 python3.12 python3.11
# Each of these is tested by `make test-all` where it is found; the image's (deploy/Dockerfile) is among them.
PYTHONS := 3.11 3.12 3.13
ARGS ?=
PYTEST ?=
# What is compiled once is there for all: for the hundreds of processes that the tests start, and for the next run.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: $(VENV)/installed ## make .venv/ from the lock files; instant when it is up to date

$(VENV)/installed: $(LOCKS) pyproject.toml app/clients/python/pyproject.toml Makefile
	@set -eu; \
	export PIP_USER=0; unset PIP_TARGET PIP_PREFIX PIP_ROOT; : "what a machine says of other installations"; \
	ready() { "$$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }; \
	uv=$$(command -v uv || true); \
	if ! ready $(BIN)/python; then \
	    found= ; lame= ; \
	    for python in $(PYTHON); do \
	        ready "$$python" || continue; \
	        if [ -z "$$uv" ] && ! "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then lame=$$python; continue; fi; \
	        found=$$python; break; \
	    done; \
	    if [ -z "$$found" ] && [ -n "$$lame" ]; then \
	        echo "make: $$lame comes without venv and ensurepip: install the package python3-venv (Debian, Ubuntu) or uv" >&2; exit 1; \
	    elif [ -z "$$found" ]; then \
	        echo "make: no Python 3.11 or newer among: $(PYTHON). Install one, or name it: make install PYTHON=/path/to/python3" >&2; exit 1; \
	    fi; \
	    echo "make $(VENV)/ with $$("$$found" --version)"; \
	    rm -rf $(VENV); \
	    if [ -n "$$uv" ]; then "$$uv" venv --quiet --python "$$found" $(VENV); else "$$found" -m venv $(VENV); fi; \
	fi; \
	if [ -z "$$uv" ]; then \
	    uv=$(BIN)/uv; \
	    if ! "$$uv" --version >/dev/null 2>&1; then \
	        $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null; \
	        awk '/^uv==/ { on = 1 } on { print } on && !/\\$$/ { exit }' tests/requirements.lock > $(VENV)/uv.txt; \
	        $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.txt; \
	    fi; \
	fi; \
	"$$uv" pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python $(LOCKS); \
	"$$uv" pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation \
	    --editable . --editable app/clients/python; : "the server, and the client as a user has it"; \
	touch $@

.PHONY: dev
dev: install ## run everything on this machine and print the address; ARGS="--port 9000 --workers 2"
	@$(BIN)/keepstream dev $(ARGS)

# Further kinds of checks are named beside `lint`. Each file is run by one process: its tests share a cluster. The order is
# that of tests/conftest.py.
.PHONY: test
test: install ## lint, then all tests but long proofs; PYTEST="-k resume -x", and one after the other with PYTEST="-n 0"
	@$(MAKE) --no-print-directory --jobs 2 lint collected
	$(BIN)/python -m pytest -m "not long" -n auto --dist loadfile --no-loadscope-reorder $(PYTEST)

# What shows in more cases, over more time or in more languages what `make test` shows in a few (tests/long.py).
.PHONY: proofs
proofs: install ## the long proofs that `make test` leaves out; PYTEST="-k chaos"
	$(BIN)/python -m pytest -m long -n auto --dist loadfile --no-loadscope-reorder $(PYTEST)

# Each process of a run collects all tests. On a fresh checkout each would compile all of them as well, at the same time:
# one does it for the others, beside `lint`, which takes one processor. What cannot be collected is told by the run.
.PHONY: collected
collected: install ## compile all tests once, for all processes of a run
	@$(BIN)/python -m pytest -n 0 --collect-only -qq >/dev/null 2>&1 || true

# A name on the PATH may be a version manager's, which only prints that it is not set up: what answers with its version is
# one. Then those that pyenv keeps.
.PHONY: test-all
test-all: install lint ## lint, then all tests on each Python that is found, with a .venv-3.x of its own; PYTEST="-k resume"
	@set -eu; found= ; missing= ; failed= ; \
	for version in $(PYTHONS); do \
	    python= ; \
	    for one in $(BIN)/python "python$$version" "$${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$version".*/bin/python; do \
	        said=$$("$$one" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	        if [ "$$said" = "$$version" ]; then python=$$one; break; fi; \
	    done; \
	    if [ -z "$$python" ]; then missing="$$missing $$version"; continue; fi; \
	    venv=.venv-$$version; \
	    if [ "$$python" = "$(BIN)/python" ]; then venv=$(VENV); else $(MAKE) install VENV="$$venv" PYTHON="$$python"; fi; \
	    echo "make: all tests on Python $$version"; \
	    if "$$venv/bin/python" -m pytest -m "not long" -n auto --dist loadfile --no-loadscope-reorder $(PYTEST); \
	    then found="$$found $$version"; else failed="$$failed $$version"; fi; \
	done; \
	echo "make: passed on:$${found:- none}"; \
	if [ -n "$$missing" ]; then echo "make: not found, not tested:$$missing"; fi; \
	if [ -n "$$failed" ]; then echo "make: failed on:$$failed" >&2; exit 1; fi

.PHONY: quick
quick: install ## style, and the tests that need no process but their own; PYTEST="-k frames"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -q --quick --hypothesis-profile quick -n 3 --dist worksteal $(PYTEST)

.PHONY: lint
lint: install ## style, types, and which package may import which
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench
bench: install ## Keepstream beside what else could be used, measured in one run
	$(BIN)/python -m tests.bench $(ARGS)

.PHONY: chaos
chaos: install ## everything at once: SECONDS=60 SEED=7, a seed of its own if none is given
	$(BIN)/python -m tests.chaos --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED)) $(ARGS)

.PHONY: fuzz
fuzz: install ## fuzz what reads a stranger's bytes: SECONDS=60 for all of it together; ARGS="--keep sse" for some
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(ARGS)

.PHONY: simulation
simulation: install ## 100,000 streams over 200 workers, simulated on one core in a minute; ARGS="--only zone --seed 9"
	$(BIN)/python -m tests.simulation $(ARGS)

.PHONY: durable
durable: install ## all that Durable Streams' own tests say of reading, those that try many examples as well
	DURABLE=all $(BIN)/python -m pytest -n 0 tests/app/faces/durable/test_conformance.py

.PHONY: hostile
hostile: install ## odd requests against a front with keys on: no fault, no hang, no growth; ARGS="--requests 20000"
	$(BIN)/python -m tests.hostile $(ARGS)

.PHONY: readers
readers: install ## a thousand readers join running logs of 0.2 to 16 MB at once, every byte compared; ARGS="--share 0.1"
	$(BIN)/python -m tests.chaos.readers $(ARGS)

.PHONY: scaling
scaling: install ## workers from none to four and back, as the manifests of Kubernetes say it; ARGS="--speed 4"
	$(BIN)/python -m tests.bench.scaling $(ARGS)

.PHONY: upgrade
upgrade: install ## a rolling restart from the version before, under load, every byte compared; ARGS="--way new-old"
	$(BIN)/python -m tests.chaos.upgrades $(ARGS)

.PHONY: packages
packages: install ## the client and the server as wheels, in projects of their own, on each Python that is found
	PACKAGES=all $(BIN)/python -m pytest -n 0 tests/stories/clients/python/test_installed.py $(PYTEST)

.PHONY: image
image: install ## carry out the steps of deploy/Dockerfile in empty folders, on each Python that is found
	IMAGE=all $(BIN)/python -m pytest -n 0 tests/deploy/compose/test_image.py $(PYTEST)

.PHONY: mutations
mutations: install ## take each mechanism away and see the tests turn red; ARGS="fence" for some of them
	$(BIN)/python -m tests.mutations $(ARGS)

# Exact versions and hashes for every platform and Python at once, without the address of any registry. What is locked
# stays as it is unless UPGRADE says otherwise: make lock UPGRADE="--upgrade" or UPGRADE="--upgrade-package starlette".
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)
.PHONY: lock
lock: install ## write the lock files anew from pyproject.toml
	$(COMPILE) --group build pyproject.toml --output-file requirements.lock
	$(COMPILE) --group dev --constraints requirements.lock --output-file tests/requirements.lock
	for extra in otel mcp; do : "what the image gets beside all the rest"; \
	    $(COMPILE) --extra $$extra --constraints tests/requirements.lock pyproject.toml | \
	    awk 'NR == FNR { if (/^[a-z]/) had[$$1]; next } /^[a-z]/ { on = !($$1 in had) } /^#/ || on' requirements.lock - \
	        > deploy/locks/$$extra.lock; \
	done

.PHONY: types
types: install ## write the JavaScript client's types anew from its JSDoc
	$(BIN)/python -c "from tests.harness import node; node.install()"
	rm -rf app/clients/js/types
	$(BIN)/node tests/clients/node_modules/typescript/bin/tsc -p app/clients/js

.PHONY: clean
clean: ## remove what was made: .venv/, caches, and the data of `keepstream dev`
	rm -rf .venv .venv-3.* .keepstream tests/clients/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .fuzz dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
