# fraudstream: every target sets up what it needs and says so. `make` alone prints this list.
SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
DEMO_ARGS ?=
TEST_ARGS ?=
AT_ONCE ?= 3
FUZZ_ARGS ?=
INTERLEAVINGS ?= 2000
EVENTS ?= 200000
SCHEDULES ?= 3
MINUTES ?= 0
SEED ?= 1
MUTATIONS ?= all
MODEL_DIR ?= .fraudstream/model
BENCH_ARGS ?=

.PHONY: help
help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## virtual environment, pinned packages, KCL jars, Java if there is none, PostgreSQL
	@sh infra/setup.sh local

.PHONY: setup-dev
setup-dev: ## the same and the tools for working on the code
	@sh infra/setup.sh dev

.PHONY: demo
demo: setup ## watch events become decisions: DEMO_ARGS="--seconds 60 --rate 500 --shards 2 --keep"
	@$(BIN)/fraudstream demo $(DEMO_ARGS)

.PHONY: up
up: setup ## the local environment in the foreground: AWS emulator and PostgreSQL
	@$(BIN)/fraudstream up

.PHONY: check
check: setup-dev ## lint, types, import contracts and unit tests (two minutes)
	@sh infra/check.sh

.PHONY: test
test: check ## everything: check, then contract, property, protocol, integration and fault tests on real processes
	@$(BIN)/pytest -n $(AT_ONCE) --dist loadfile tests/contract tests/property tests/protocol tests/integration tests/fuzz $(TEST_ARGS)
	@$(BIN)/pytest tests/bench tests/mutations tests/faults $(TEST_ARGS)

.PHONY: faults
faults: setup-dev ## INTERLEAVINGS=2000 of workers in one process, then each fault on real ones: SCHEDULES=3 times, MINUTES=0 drawn; SEED=1
	@FRAUDSTREAM_TEST_SCHEDULES=$(INTERLEAVINGS) FRAUDSTREAM_TEST_SEED=$(SEED) \
		$(BIN)/pytest tests/property/test_effects_schedules.py $(TEST_ARGS)
	@FRAUDSTREAM_FAULT_SCHEDULES=$(SCHEDULES) FRAUDSTREAM_FAULT_MINUTES=$(MINUTES) FRAUDSTREAM_FAULT_SEED=$(SEED) \
		$(BIN)/pytest tests/faults -p no:randomly $(TEST_ARGS)

.PHONY: oracle
oracle: setup-dev ## every velocity feature of EVENTS=200000 against the oracle: stream, backfill, crashes, owners that take turns; SEED=1
	@FRAUDSTREAM_TEST_ORACLE_EVENTS=$(EVENTS) FRAUDSTREAM_TEST_SCHEDULES=$(INTERLEAVINGS) FRAUDSTREAM_TEST_SEED=$(SEED) \
		$(BIN)/pytest tests/property/test_velocity_oracle.py tests/property/test_effects_vectors.py $(TEST_ARGS)

.PHONY: bench
bench: setup-dev ## measure everything in its short form (15 minutes): stages, worker, whole system, latency, peers; BENCH_ARGS="--seed 2"
	@$(BIN)/fraudstream bench all $(BENCH_ARGS)

.PHONY: bench-full
bench-full: setup-dev ## the same at length, with the soak: what the README quotes
	@$(BIN)/fraudstream bench all --scale full $(BENCH_ARGS)

.PHONY: fuzz
fuzz: setup-dev ## spoiled events through the real pipeline, each decided or refused: FUZZ_ARGS="--seed 1 2 3 --count 100000"
	@$(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

.PHONY: mutations
mutations: setup-dev ## each rule broken on purpose makes a named test fail: MUTATIONS=all, or so many of them
	@FRAUDSTREAM_MUTATIONS=$(MUTATIONS) $(BIN)/pytest tests/mutations $(TEST_ARGS)

.PHONY: format
format: setup-dev ## format the code and mend what ruff can mend
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

.PHONY: schemas
schemas: setup-dev ## write schemas/json anew from the models
	@$(BIN)/python -m schemas.export

.PHONY: model
model: setup-dev ## train the committed default model anew: reference data set, backfill, train (MODEL_DIR=.fraudstream/model)
	@mkdir -p $(MODEL_DIR)
	@$(BIN)/fraudstream simulate --reference --parquet --out $(MODEL_DIR)/reference
	@$(BIN)/fraudstream backfill $(MODEL_DIR)/reference/events.parquet --labels $(MODEL_DIR)/reference/labels.jsonl \
		--truth $(MODEL_DIR)/reference/truth.jsonl --no-decisions --force --out $(MODEL_DIR)/data
	@$(BIN)/fraudstream train $(MODEL_DIR)/data --out consumer/scoring/default_bundle

.PHONY: requirements
requirements: setup-dev ## pin the packages anew (needs uv on PATH)
	@sh infra/requirements/pin.sh

.PHONY: clean
clean: ## remove the virtual environment and everything that was made here
	rm -rf .venv .fraudstream .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
