# The one entry. It needs Python 3.11 or later and nothing else; everything it makes lies in .venv and .state.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCKED := requirements/development.txt
INSTALLED := $(VENV)/installed
ARGS ?=
# Containers often forbid it; then every process would compile all of its modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo test test-partners lint contracts contracts-write bench lock clean

help: ## what there is (this list)
	@echo "Safeguarding Exchange: make <target>, with ARGS=\"…\" for what the target should be told besides"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(INSTALLED) ## start everything and work with it; Ctrl-C stops it, a second start finds its data
	@$(BIN)/python -m infra.local run $(ARGS)

demo: $(INSTALLED) ## play serious incidents through the real stack, on ports and in a folder of its own
	@$(BIN)/python -m infra.local.demo $(ARGS)

test: $(INSTALLED) ## the tests, on a real Kafka and PostgreSQL that they start for themselves
	@$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder --ignore tests/partners $(ARGS)

test-partners: $(INSTALLED) ## do what the partner guide says, with sx doctor and with stock clients out of the registries
	@$(BIN)/python -m pytest tests/partners $(ARGS)

lint: $(INSTALLED) ## formatting, lints, types, who may import whom, and the contracts' own lints
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --strict --python-version 3.10 -p safeguarding_exchange
	$(BIN)/lint-imports
	$(BIN)/python -m infra.contracts check

contracts-write: $(INSTALLED) ## write the schemas, AsyncAPI documents, examples and event catalogue that come from the contracts
	@$(BIN)/python -m infra.contracts write

contracts: $(INSTALLED) ## compare the contracts with the released ones, in words, and name the agencies that a change would hurt
	@$(BIN)/python -m infra.contracts $(ARGS)

bench: $(INSTALLED) ## measure the promises against references, and write tests/bench/results.json
	@$(BIN)/python -m tests.bench $(ARGS)

lock: $(INSTALLED) ## resolve every dependency anew, with hashes and without addresses
	@for each in runtime containers development; do \
	  $(BIN)/uv pip compile --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	    --python-version 3.11 --universal -q -o requirements/$$each.txt requirements/$$each.in || exit 1; \
	done
	@$(BIN)/python -m infra.local.jars

clean: ## remove the virtual environment, the caches and ALL LOCAL DATA
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m infra.local clean; else rm -rf .state; fi
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): $(LOCKED)
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON) here: install Python 3.11 or later, or name one with make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), and 3.11 is the least: install a later one, or name one with make PYTHON=/path/to/python3"; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian: apt install python3-venv)"; exit 1; }
	@echo "installing what is locked in $(LOCKED) into $(VENV); this takes a minute or two, once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCKED) || { \
	  echo "Not everything could be installed: check the network and pip's settings, then run make again"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e clients/python
	@touch $@
