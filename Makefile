# Everything a user or developer does starts here. Nothing needs to be installed first but
# git, make and Python 3.11 or newer with venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Of the benchmarks: a few minutes. RUNS=20 ADVERTS=3000 takes over an hour, for figures that count.
RUNS := 2
ADVERTS := 600
SEED := 1

# Of the soak: spoilt packets to read, worlds of the simulation to play (the first two thousand of
# them `make check` plays too), and how long a pair lives with faults.
COUNT := 10000000
SEEDS := 20000
MINUTES := 5

# The room whose unit tests `make unit` runs; without it, those of all rooms.
ROOM :=

.PHONY: help setup demo check unit test emulated bench simulate soak lock clean format

help: ## this list
	@sed -n 's/^\([a-z]*\):.* ## /\1\t/p' Makefile | expand -t 10

setup: $(VENV)/.runtime ## a private virtualenv with the hadirector command in it

demo: setup ## two directors, three web servers and a client on this machine
	@$(BIN)/hadirector demo $(if $(KEEP),--keep) $(if $(DATAPLANE),--dataplane $(DATAPLANE))

check: $(VENV)/.tests ## format, lint, types, import contracts, unit tests: the fast part
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy tests
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n 2 tests/unit tests/scenarios tests/simulation

unit: $(VENV)/.tests ## the unit tests of one room: make unit ROOM=pools, or ROOM=vrrp/router
	$(BIN)/pytest -q tests/unit/$(ROOM)

test: check ## check, then the lab and the interoperability tests
	tests/lab.sh

emulated: $(VENV)/.tests ## fullnat by nftables, in Debian's kernel under emulation; as root, 2 minutes
	tests/emulated.sh tests/lab/test_fullnat.py::test_servers_need_no_route_back

bench: $(VENV)/.runtime ## failover beside keepalived, what instances cost, lateness under load; as root
	$(BIN)/python -m tests.benchmarks.failover --runs $(RUNS)
	$(BIN)/python -m tests.benchmarks.instances
	$(BIN)/python -m hadirector.lab.uml -- $(BIN)/python -m tests.benchmarks.idle_connection
	$(BIN)/python -m hadirector.lab.uml -- $(BIN)/python -m tests.benchmarks.scale
	$(BIN)/python -m tests.benchmarks.lateness --adverts $(ADVERTS)
	$(BIN)/python -m tests.benchmarks.checks
	$(BIN)/python -m tests.benchmarks.verdict

simulate: $(VENV)/.runtime ## play one world of the VRRP simulation and tell its story; SEED=123 WORLD=groups
	@$(BIN)/python -m tests.simulation.replay $(SEED) $(WORLD)

soak: $(VENV)/.tests ## spoilt input, many simulated worlds, and as root a pair under faults: long
	$(BIN)/python -m tests.soak.fuzz --count $(COUNT) --seed $(SEED)
	$(BIN)/python -m tests.soak.simulation --seeds $(SEEDS)
	@[ `id -u` -eq 0 ] || echo "left out, because it needs root: a pair under faults"
	[ `id -u` -ne 0 ] || $(BIN)/python -m tests.soak.pair --minutes $(MINUTES) --seed $(SEED)

format: $(VENV)/.tests ## bring the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the other targets have made
	rm -rf $(VENV) build *.egg-info

# Both locks are made in one go, so that tests run on what users run on.
lock: ## choose newer versions of what we need (wants uv)
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --universal \
	    --python-version 3.11 pyproject.toml -o requirements.txt
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --universal \
	    --python-version 3.11 --group dev --constraint requirements.txt pyproject.toml \
	    -o tests/requirements.txt

# A stamp rather than .venv/bin/python: that is there before pip is, should somebody press Ctrl-C.
$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || \
	    { echo "$(PYTHON) is missing: apt-get install python3 python3-venv" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "hadirector needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) -V`" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "Python's venv module is missing: apt-get install python3-venv" >&2; exit 2; }
	@$(BIN)/pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.txt pyproject.toml | $(VENV)/.made
	@echo "setting up $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
	    -r requirements.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
	@echo "$(BIN)/hadirector is there"

$(VENV)/.tests: tests/requirements.txt | $(VENV)/.runtime
	@echo "adding what the tests need to $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
	    -r tests/requirements.txt
	@touch $@
