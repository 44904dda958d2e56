# Everything a developer does, each in one word. `make help` lists the targets. The first one that needs Python makes
# .venv by itself; later ones find the stamp file and start at once.

VENV := .venv
PYTHON_IN := $(VENV)/bin/python
JOBS ?= auto
FUZZ_SECONDS ?= 60
PYTEST_ARGS ?=

# The bare `make` explains itself.
.DEFAULT_GOAL := help

.PHONY: help demo test lint types bench fuzz docs format sample clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run ## show all of it on this machine: server, sensor data, client
	@$(VENV)/bin/openstreamer demo

test: $(VENV)/.dev ## run the tests (PYTEST_ARGS="-k name" to choose)
	@$(MAKE) --no-print-directory $(VENV)/.fuzz || echo "No fuzzer for this machine: the tests that need it are skipped."
	$(PYTHON_IN) -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/.dev ## check style, format and import layers
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/lint-imports

types: $(VENV)/.dev ## check types with mypy and pyright
	$(VENV)/bin/mypy --strict
	$(VENV)/bin/pyright --pythonpath $(PYTHON_IN)

bench: $(VENV)/.dev ## measure: decoding, store, server to client
	@for file in bench/*.py; do echo "== $$file"; $(PYTHON_IN) $$file || exit 1; done

fuzz: $(VENV)/.fuzz ## feed noise to every parser, FUZZ_SECONDS each
	@for file in fuzz/fuzz_*.py; do \
		echo "== $$file"; \
		$(PYTHON_IN) $$file -max_total_time=$(FUZZ_SECONDS) -verbosity=0 -print_final_stats=1 || exit 1; \
	done

docs: $(VENV)/.dev ## write the generated pages of docs/ anew
	$(PYTHON_IN) tools/write_docs.py

format: $(VENV)/.dev ## put the source into its form
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

sample: ## make the demonstration's sample anew (needs Suricata)
	samples/make_eve.sh

clean: ## remove what the targets above have made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A developer's environment is good enough to run the package, so the stamps of the larger ones make the smaller ones.
$(VENV)/.run: pyproject.toml
	@tools/environment run
	@touch $@

$(VENV)/.dev: pyproject.toml
	@tools/environment dev
	@touch $@ $(VENV)/.run

$(VENV)/.fuzz: pyproject.toml $(VENV)/.dev
	@tools/environment fuzz
	@touch $@
