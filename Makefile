# Everything a newcomer or a contributor runs. Needs Python 3.11 or newer with venv and pip, make and git.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/stamps

.DEFAULT_GOAL := help

.PHONY: help serve tour test check test-unit test-races test-crash test-faults test-reach test-theft test-rotations test-machine test-audit test-secrets fuzz test-timing test-guessing test-attack mutate lint-deploy bench docs requirements format clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# --- for newcomers ------------------------------------------------------------------------------------------

serve: $(STAMPS)/serve ## set everything up and run the authorization server for development
	@$(BIN)/keyturn dev

tour: $(STAMPS)/test ## log in, call an API, refresh, replay, log out: each step says what it proves
	@$(BIN)/python examples/tour.py

# --- for contributors ---------------------------------------------------------------------------------------

test: $(STAMPS)/test ## every test, the long suites with a bounded share
	$(BIN)/python -m pytest -n 2

check: $(STAMPS)/test lint-deploy ## format, lint, types, import contracts, unit tests: a few minutes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -m "not slow" -n 2

lint-deploy: $(STAMPS)/test ## the Dockerfile, compose.yaml, the systemd unit, the Kubernetes manifests
	$(BIN)/hadolint --failure-threshold style Dockerfile
	$(BIN)/yamllint --strict compose.yaml deploy
	$(BIN)/check-jsonschema -q --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/kubernetes-validate --strict --quiet --no-warn deploy/kubernetes/*.yaml
	@command -v systemd-analyze > /dev/null || { echo "No systemd-analyze here: the unit is not checked."; exit 0; }; \
		mkdir -p $(dir $(UNIT)) && sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' deploy/systemd/keyturn.service > $(UNIT) && \
		systemd-analyze verify --man=no --generators=no --recursive-errors=yes $(UNIT) && \
		systemd-analyze security --offline=true --threshold=20 $(UNIT) > /dev/null

format: $(STAMPS)/test ## format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test-races: $(STAMPS)/test ## raced refreshes, logouts and password changes over HTTP, in full
	$(BIN)/python -m pytest -s tests/proofs/test_races.py --full

test-crash: $(STAMPS)/test ## SIGKILL the server while refreshes and logouts run, in full
	$(BIN)/python -m pytest -s tests/proofs/test_crash.py --full

test-reach: $(STAMPS)/test ## how soon verifiers in other processes refuse what is revoked, in full
	$(BIN)/python -m pytest -s tests/proofs/test_revocation_reach.py --full

test-theft: $(STAMPS)/test ## how long a thief of a refresh token keeps the session, in full
	$(BIN)/python -m pytest -s tests/proofs/test_theft.py --full

test-rotations: $(STAMPS)/test ## rotations of keys and of the master key under load, hosts whose clocks differ, in full
	$(BIN)/python -m pytest -s tests/proofs/test_rotations.py tests/proofs/test_clocks.py --full

test-faults: $(STAMPS)/test ## SIGKILL the server, and break each dependency under load, in full
	$(BIN)/python -m pytest -s tests/proofs/test_faults.py tests/proofs/test_restore.py tests/proofs/test_crash.py --full

test-timing: $(STAMPS)/test ## whether the time of a login tells which accounts there are, in full
	$(BIN)/python -m pytest -s tests/proofs/test_timing.py --full

test-guessing: $(STAMPS)/test ## how many passwords can be tried from 100,000 networks, and by spraying, in full
	$(BIN)/python -m pytest -s tests/proofs/test_guessing.py --full

test-attack: $(STAMPS)/test ## attack every broken and sound example API through the command and the pytest plugin, in full
	$(BIN)/python -m pytest -s tests/proofs/test_attack.py tests/proofs/test_attack_command.py --full

test-machine: $(STAMPS)/test ## the state machine of sessions against its model, in full
	$(BIN)/python -m pytest -s tests/proofs/test_session_machine.py --full

test-audit: $(STAMPS)/test ## servers that seal the audit log at once, and are killed meanwhile, in full
	$(BIN)/python -m pytest -s tests/proofs/test_audit_chain.py --full

test-secrets: $(STAMPS)/test ## leaked secrets against the judge of secrets, and 100,000 random ones of each kind
	$(BIN)/python -m pytest -s tests/proofs/test_weak_secrets.py --full

fuzz: $(STAMPS)/test ## 10 million hostile tokens, all neighbours of good ones, three libraries beside each other
	$(BIN)/python -m pytest -s tests/fuzz tests/attacks/test_single_characters.py tests/attacks/test_differential.py --full

mutate: $(STAMPS)/test ## change the code under the tests, each change alone: ROOM=tokens, verify or core
	@failed=0; for room in $(ROOM); do $(BIN)/python tests/mutation/run.py $$room || failed=1; done; exit $$failed

bench: $(STAMPS)/bench ## measure every bar, each beside its peer or primitive in the same run
	@$(BIN)/python bench/run.py

docs: $(STAMPS)/test ## write docs/reference from the code
	@$(BIN)/python scripts/make_reference.py

requirements: $(STAMPS)/uv ## pin and hash the requirement files anew from pyproject.toml
	$(COMPILE) --group tools -o requirements/tools.txt
	$(COMPILE) --group build -o requirements/build.txt
	$(COMPILE) pyproject.toml $(IMAGE) -o requirements/image.txt
	$(COMPILE) pyproject.toml --extra server --group build -o requirements/serve.txt
	$(COMPILE) pyproject.toml --extra all --group build --group check --group test -o requirements/test.txt
	$(COMPILE) pyproject.toml --extra all --group build --group check --group test --group bench -o requirements/bench.txt

clean: ## remove what make made; a development server's data in .keyturn stays
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# --- set-up -------------------------------------------------------------------------------------------------

COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --no-header

IMAGE = --extra server --extra postgres --extra redis --extra vault --extra aws

# A copy of the unit with a program that is here too: systemd-analyze looks for it.
UNIT = $(VENV)/units/keyturn.service

ROOM ?= tokens verify core

INSTALL = $(BIN)/uv pip install -q --python $(BIN)/python

$(STAMPS)/uv:
	@echo "Making $(VENV) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Keyturn needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@mkdir -p $(STAMPS) && touch $@

# One stamp for each set of requirements; a larger set also does for what a smaller one serves.
$(STAMPS)/%: requirements/%.txt pyproject.toml | $(STAMPS)/uv
	@echo "Installing what requirements/$*.txt names …"
	@$(INSTALL) --require-hashes -r requirements/$*.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@
