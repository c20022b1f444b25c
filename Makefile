# Builds, tests and runs Leeward on a Linux machine with git, make, a C compiler and Python 3.11 with its headers.
# Everything else is installed into .tools and .venv, at the versions that uv.lock names. `make help` lists the targets.

PYTHON ?= python3.11
UV ?= .tools/uv
STATE ?= .leeward
PYTEST_ARGS ?=

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:

# The machine's certificates, so that a company's own authority counts; no Python but the one named above.
export UV_SYSTEM_CERTS ?= true
export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV

BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: help all install build test lint fmt run bench controlplane e2e pictures clean
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

all: build lint test ## build, lint and test

install: $(INSTALLED) ## install what uv.lock names, and the project itself, into .venv

.tools/uv: uv.lock .ci/install_uv.py
	@.ci/preflight $(PYTHON)
	$(PYTHON) -I .ci/install_uv.py $@

# Extensions are removed first: a stale one under another suffix would be imported in the new one's place.
EXTENSIONS := agent/sources/perf.c agent/sources/perf_build.py $(addprefix eval/testbed/,implied.c newton.c solver.h solver_build.py)
$(INSTALLED): uv.lock pyproject.toml setup.py $(EXTENSIONS) | $(UV)
	@.ci/preflight $(PYTHON)
	@rm -f agent/sources/_perf.*.so eval/testbed/_solver.*.so
	$(UV) sync --frozen --all-extras --python $(PYTHON) --reinstall-package leeward
	@touch $@

build: $(INSTALLED) ## make the source distribution and the wheel in dist/, and check what is in them
	rm -rf build dist
	$(UV) build --quiet --python $(BIN)/python
	$(BIN)/python .ci/check_wheel.py dist/*.whl

# One thread a worker: the numeric libraries would each start one a core, and wait for each other.
test: export OMP_NUM_THREADS := 1
test: export OPENBLAS_NUM_THREADS := 1
test: $(INSTALLED) ## run all tests; PYTEST_ARGS are handed on
	$(BIN)/pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder --benchmark-disable --hypothesis-profile ci $(PYTEST_ARGS)

lint: $(INSTALLED) ## ruff, mypy --strict, import arrows, and whether what is generated is current
	$(UV) lock --check --quiet
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy $(wildcard .ci/*.py)
	$(BIN)/lint-imports
	$(BIN)/python -m infra.crd_yaml --check
	$(BIN)/python -m contracts.reference --check
	$(BIN)/python -m agent.reference --check
	$(BIN)/python -m scheduler_extender.reference --check
	$(BIN)/python -m pipelines.compiled --check
	$(BIN)/python -m tests.unit.agent.node_tables --check
	$(BIN)/python -m tests.unit.agent.doctor.example --check

fmt: $(INSTALLED) ## format the code, and mend what ruff can mend
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

run: $(INSTALLED) ## show the whole loop on this machine; its state goes to STATE, .leeward if nothing is said
	$(BIN)/leeward demo --state $(STATE)

bench: $(INSTALLED) ## time what has a budget; figures in brackets are ratios within one run
	$(BIN)/pytest tests/bench -p no:xdist --benchmark-only --benchmark-sort=name \
	    --benchmark-columns=min,median,max,rounds $(PYTEST_ARGS)
	$(BIN)/python -m tests.bench.agent_cost
	$(BIN)/python -m tests.bench.interruption
	$(BIN)/python -m tests.bench.fleet
	$(BIN)/python -m tests.bench.ingest_cost
	$(BIN)/python -m tests.bench.feature_store_cost
	$(BIN)/python -m tests.bench.solving
	$(BIN)/python -m tests.bench.campaign_cost
	$(BIN)/python -m tests.bench.probing_designs
	$(BIN)/python -m tests.bench.extender_load
	$(BIN)/python -m tests.bench.sampling_cost
	$(BIN)/python -m tests.bench.scheduler_throughput

CONTROLPLANE := .tools/controlplane/leeward-controlplane
CONTROLPLANE_SOURCES := $(wildcard infra/controlplane/*.go) infra/controlplane/go.mod infra/controlplane/go.sum

controlplane: $(CONTROLPLANE) ## build a Kubernetes control plane for `make e2e`; needs Go, and some minutes the first time

# Kubernetes' own version is stamped in as its releases do, or it would call itself v0.0.0.
$(CONTROLPLANE): $(CONTROLPLANE_SOURCES)
	@command -v go > /dev/null || { echo 'make controlplane needs Go: install the version that infra/controlplane/go.mod names (https://go.dev/dl)' >&2; exit 1; }
	cd infra/controlplane && version=$$(go list -m -f '{{.Version}}' k8s.io/kubernetes) \
	    && go build -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$$version" -o ../../$@ .

e2e: $(INSTALLED) $(CONTROLPLANE) ## run what needs a real control plane, on loopback; PYTEST_ARGS are handed on
	$(BIN)/pytest tests/controlplane $(PYTEST_ARGS)

pictures: $(INSTALLED) ## draw the testbed's pictures anew into docs/pictures
	$(BIN)/leeward testbed pictures --to docs/pictures

clean: ## remove what builds and tests leave; .venv and .tools stay, state goes by `leeward reset`
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
