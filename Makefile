# Two commands do everything on a machine with Python >= 3.11, cargo and make: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUST := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name Cargo.toml)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Runs a long silent command and says now and then that it goes on.
PATIENTLY := sh -c '"$$@" & pid=$$!; n=0; while kill -0 $$pid 2>/dev/null; do sleep 1; n=$$((n + 1)); [ $$((n % 20)) -ne 0 ] || echo "  … $$n s"; done; wait $$pid' --
export DO_NOT_TRACK := 1
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PATH := $(CURDIR)/$(BIN):$(PATH)
.DEFAULT_GOAL := help

help: ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14
run: $(VENV)/run ## install what is needed, run the default pipelines on the shipped data, print the report's path
	@echo "Running the pipelines; what is up to date is skipped."
	kedro run
test: fmt-check lint types test-rust test-py ci-run ## run every check
setup: $(VENV)/dev ## install everything that development needs, and the commit hooks where pre-commit is there
	@if command -v pre-commit >/dev/null; then pre-commit install; fi

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"make: Python {v[0]}.{v[1]} found; wanted 3.11 or newer (set PYTHON=)")'
	@echo "Making $(VENV) with $$($(PYTHON) --version)."
	@$(PYTHON) -m venv $(VENV)
$(VENV)/run: $(VENV)/bin/python pyproject.toml constraints.txt $(RUST)
	@echo "Installing the package and compiling its Rust core into $(VENV): some minutes the first time."
	@$(PATIENTLY) $(PIP) --editable .
	@touch $@
$(VENV)/dev: $(VENV)/bin/python pyproject.toml constraints.txt $(RUST)
	@echo "Installing what development needs and compiling the Rust core into $(VENV): some minutes the first time."
	@$(PATIENTLY) $(PIP) --editable '.[dev,viz,notebook,marl]'
	@touch $@ $(VENV)/run

fmt: $(VENV)/dev ## format Python and Rust
	ruff format . && ruff check --fix --exit-zero --quiet . && cargo fmt
fmt-check: $(VENV)/dev
	ruff format --check . && cargo fmt --check
lint: $(VENV)/dev ## lint Python and Rust, check who imports whom
	ruff check . && lint-imports
	cargo clippy --quiet --all-targets --locked -- --deny warnings
types: $(VENV)/dev ## check types, and the extension against its stub
	mypy && python -m mypy.stubtest onetake._core --allowlist tests/seam/stub_allowlist.txt
test-rust: ## run the tests of the core
	cargo test --quiet --locked --package onetake-core
test-py: $(VENV)/dev ## run the tests and doc examples of the package
	python -m pytest -q -p no:randomly
ci-run: $(VENV)/dev ## run all pipelines once on the tiny configuration
	kedro run --env ci
bench: $(VENV)/dev ## measure ours and every installed peer in turn (ONLY=row for some rows)
	python -m bench $(if $(ONLY),--only $(ONLY))
bench-peers: ## build the peers' own venvs under build/peers; they clash with each other
	@for list in bench/peers/*.txt; do venv=build/peers/$$(basename $$list .txt); \
	$(PYTHON) -m venv $$venv && env -u PIP_CONSTRAINT $$venv/bin/python -m pip install --quiet -r $$list && touch $$venv/ready; done
viz: $(VENV)/dev ## open the project in kedro-viz
	kedro viz run
clean: ## remove what was built and what was run
	rm -rf build target .cache src/onetake/_core*.so && find data -type f -path 'data/0[2-8]*' ! -name .gitkeep -delete
.PHONY: help run test setup fmt fmt-check lint types test-rust test-py ci-run bench bench-peers viz clean
