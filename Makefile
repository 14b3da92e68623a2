# The tasks of users and developers. Only git, make and Python 3.11 or newer with venv must be
# installed first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# For `make bench`. The defaults take a few minutes. RUNS=20 ADVERTS=3000 takes over an hour and
# gives reliable figures.
RUNS := 2
ADVERTS := 600
SEED := 1

# For `make soak`: the number of corrupted inputs, of simulated worlds (`make check` runs the first two
# thousand of them) and of generated files that keepalived and hadirector run, and how long a pair
# runs under faults. FLEETS is the number of worlds of a large fleet.
COUNT := 10000000
SEEDS := 20000
# The number of requests to the API.
CASES := 10000
FILES := 200
FLEETS := 100
MINUTES := 10

# For `make unit`: the room whose unit tests run. The default is all rooms.
ROOM :=

.PHONY: help setup demo check unit test emulated bench simulate soak lock clean format tables deb image wheel docs

help: ## print this list
	@sed -n 's/^\([a-z]*\):.* ## /\1\t/p' Makefile | expand -t 10

setup: $(VENV)/.runtime ## create a private virtualenv with the hadirector command

demo: setup ## run two directors (DIRECTORS=4: four), three web servers and a client on this machine
	@$(BIN)/hadirector demo $(if $(KEEP),--keep) $(if $(DATAPLANE),--dataplane $(DATAPLANE)) \
		$(if $(DIRECTORS),--directors '$(DIRECTORS)')

check: $(VENV)/.tests ## run the fast part: format, lint, types, import contracts, unit tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy tests packaging/ansible
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n 2 tests/unit tests/scenarios tests/simulation

unit: $(VENV)/.tests ## run the unit tests of one room: make unit ROOM=pools, or ROOM=vrrp/router
	$(BIN)/pytest -q tests/unit/$(ROOM)

test: check ## run check, then the lab and the interoperability tests
	tests/lab.sh

emulated: $(VENV)/.tests ## test fullnat by nftables in an emulated Debian kernel; as root, 2 minutes
	tests/emulated.sh tests/lab/test_fullnat.py::test_real_servers_need_no_return_route

bench: $(VENV)/.runtime ## compare failover with keepalived, measure costs and lateness; as root
	$(BIN)/python -m tests.benchmarks.failover --runs $(RUNS)
	$(BIN)/python -m tests.benchmarks.deaths --runs $(RUNS)
	$(BIN)/python -m tests.benchmarks.instances
	$(BIN)/python -m tests.benchmarks.pair_status
	$(BIN)/python -m hadirector.lab.uml -- $(BIN)/python -m tests.benchmarks.idle_connection
	$(BIN)/python -m hadirector.lab.uml -- $(BIN)/python -m tests.benchmarks.scale
	$(BIN)/python -m tests.benchmarks.lateness --adverts $(ADVERTS)
	$(BIN)/python -m tests.benchmarks.flood
	$(BIN)/python -m tests.benchmarks.overload
	$(BIN)/python -m tests.benchmarks.checks
	$(BIN)/python -m tests.benchmarks.verdict
	$(BIN)/python -m tests.benchmarks.footprint

simulate: $(VENV)/.runtime ## run one world of the VRRP simulation and print its events; SEED=123 WORLD=groups|clocks|certificates|certificate_groups|link|fleet
	@$(BIN)/python -m tests.simulation.replay $(SEED) $(WORLD)

soak: $(VENV)/.tests ## run corrupted inputs, many simulated worlds and, as root, generated files and a pair under faults; long
	$(BIN)/python -m tests.soak.fuzz --count $(COUNT) --seed $(SEED)
	$(BIN)/python -m tests.soak.simulation --seeds $(SEEDS)
	$(BIN)/python -m tests.soak.fleet --seeds $(FLEETS)
	$(BIN)/python -m tests.soak.api_requests --cases $(CASES) --seed $(SEED)
	@[ `id -u` -eq 0 ] || echo "left out, because they need root: generated files, the pair under faults"
	[ `id -u` -ne 0 ] || $(BIN)/python -m tests.soak.twins --files $(FILES)
	[ `id -u` -ne 0 ] || $(BIN)/python -m tests.soak.chaos --minutes $(MINUTES) --seed $(SEED)
	[ `id -u` -ne 0 ] || $(BIN)/python -m tests.soak.chaos --minutes $(MINUTES) --seed $(SEED) --link

deb: $(VENV)/.runtime ## build a Debian package for the release that runs here, into build/
	PYTHON=$(BIN)/python packaging/build-deb.sh

image: deb ## build an OCI image from the Debian package, for docker and podman
	PYTHON=$(BIN)/python packaging/build-image.sh

wheel: $(VENV)/.runtime ## build a wheel, into build/; install it with pipx or uv
	PYTHON=$(BIN)/python packaging/build-wheel.sh

docs: $(VENV)/.tests ## build the site of the documents, into build/site
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(BIN)/mkdocs build --strict --config-file packaging/site.yml

tables: $(VENV)/.tests ## write the generated parts of docs and configs: keys, operations of the API, anchors, dashboard
	$(BIN)/python -m tests.reference

format: $(VENV)/.tests ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the files that the other targets create
	rm -rf $(VENV) build *.egg-info

# One target makes both lock files, so that the tests use the same versions as the users.
lock: ## select newer versions of the dependencies (needs uv)
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --universal \
	    --python-version 3.11 pyproject.toml -o requirements.txt
	uv pip compile -q --generate-hashes --no-emit-index-url --no-header --universal \
	    --python-version 3.11 --group dev --constraint requirements.txt pyproject.toml \
	    -o tests/requirements.txt

# The target is a stamp file and not .venv/bin/python, because python exists before pip if a user
# interrupts the setup.
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
	@echo "$(BIN)/hadirector is ready"

$(VENV)/.tests: tests/requirements.txt | $(VENV)/.runtime
	@echo "adding the packages of the tests to $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
	    -r tests/requirements.txt
	@touch $@
