# Everything sets itself up: a virtual environment in .venv, then the task.
PYTHON ?= python3
VENV := .venv
LOWEST := .venv-lowest
NEWEST := .venv-newest
BIN := $(VENV)/bin
# of the modules that are installed few are imported: Python compiles these when they are
QUICKLY := --quiet --disable-pip-version-check --no-compile

.PHONY: demo test test-long test-all coverage test-lowest test-newest install check docs format smoke lock attack zoo bench bench-gpu faults faults-torch clean

# Both workers share what is compiled. A test that hangs says where, and ends its worker.
PYTEST = $(BIN)/pytest -n auto --dist loadfile \
    -o faulthandler_timeout=600 -o faulthandler_exit_on_timeout=true
# COVER=1 counts which lines and branches are reached; test begins the count, test-all adds to it
MEASURED = $(if $(COVER),--cov --cov-report=,)
ADDED = $(MEASURED) $(if $(COVER),--cov-append,)
# compiled with all optimizations; the other tests compile faster
AS_USERS := WHYGRAD_COMPILED="as users do" WHYGRAD_CHECKED=no
# of a test that draws its cases; once a week there are more, and types are checked in long tests too
EXAMPLES ?= 6
CHECKED ?= no
OUT ?= diagnoses.jsonl
SEED ?= 1
# what a library that changed would break first
CORE := tests/core/test_network.py tests/core/test_optimizer.py tests/record/test_files.py \
    tests/record/test_recorder.py tests/data/test_files.py tests/data/test_encoder.py \
    tests/cli/test_commands.py tests/interop/exporting/test_onnx.py \
    tests/interop/tracking/test_tensorboard.py

demo: $(VENV)/.base            ## train on handwritten digits, ask why, write a report
	@rm -rf demo
	$(BIN)/whygrad train digits --epochs 60 --out demo
	$(BIN)/whygrad why demo "hidden1.weight[20, 3]" --sample 0
	$(BIN)/whygrad report demo

test: $(VENV)/.dev             ## run the everyday tests
	$(PYTEST) -m "not (long or again)" --durations 25 $(MEASURED)

test-long: $(VENV)/.dev        ## run the long tests: browsers, processes
	WHYGRAD_CHECKED=$(CHECKED) $(PYTEST) -m "long and not (drawn or exact or again)" --durations 25 $(ADDED)

test-all: test-long            ## and the rest: many drawn cases, every case, hand, look and browser, what is exact; EXAMPLES=6
	WHYGRAD_EXAMPLES=$(EXAMPLES) $(PYTEST) -m "(drawn or again) and not exact" $(ADDED)
	$(AS_USERS) $(PYTEST) -m exact

coverage: $(VENV)/.dev         ## say which share of lines and branches the tests reached: make test test-all coverage COVER=1
	$(BIN)/coverage report --skip-covered --show-missing | tail -n 1

install: $(VENV)/.dev          ## everything that development needs, PyTorch included

check: $(VENV)/.dev            ## lint, format, types, and imports that point downwards only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/pytest -q tests/test_layers_of_the_house.py
	$(BIN)/python -m benchmarks.table --check
	$(BIN)/python scripts/readme --check
	$(BIN)/python scripts/picture --check
	$(BIN)/python scripts/faults --check

docs: $(VENV)/.dev             ## build the documentation into build/site, and run every example in it
	NO_MKDOCS_2_WARNING=1 JAX_PLATFORMS=cpu $(BIN)/mkdocs build --strict
	@echo build/site/index.html

format: $(VENV)/.dev           ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

smoke: $(VENV)/.dev            ## build the wheel and try it in an empty environment
	PYTHON=$(PYTHON) scripts/smoke

lock:                          ## write the lock files anew: newest versions, and the lowest allowed
	PYTHON=$(PYTHON) scripts/lock

test-lowest: $(LOWEST)/.dev    ## run the core of the tests with the lowest versions that are allowed
	$(AS_USERS) $(LOWEST)/bin/pytest -n auto --dist loadfile $(CORE)

test-newest: $(NEWEST)/.dev    ## run the same tests with the newest versions that there are
	$(AS_USERS) $(NEWEST)/bin/pytest -n auto --dist loadfile $(CORE)

attack: $(VENV)/.dev           ## attack whygrad from outside for ten minutes: SEED=1
	$(BIN)/python -m benchmarks.attack --seed $(SEED)

zoo: $(VENV)/.dev              ## watch public architectures, of installed libraries too: SEED=1 PROGRAMS=folder of checkouts
	$(BIN)/python -m benchmarks.zoo --seed $(SEED) $(if $(PROGRAMS),--programs $(PROGRAMS))

bench: $(VENV)/.dev            ## measure against the peers; writes results and docs/benchmarks.md
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.estimators
	$(BIN)/python -m benchmarks.first_second
	$(BIN)/python -m benchmarks.tables --whole
	$(BIN)/python -m benchmarks.watching
	$(BIN)/python -m benchmarks.streams
	$(BIN)/python -m benchmarks.lab
	$(BIN)/python -m benchmarks.growth
	$(BIN)/python -m benchmarks.scaling
	$(BIN)/python -m benchmarks.table

faults: $(VENV)/.dev           ## diagnose the networks of a fault file: CASES=cases.yaml OUT=diagnoses.jsonl
	$(BIN)/python -m benchmarks.faults.reproduce $(CASES)
	$(BIN)/python -m benchmarks.faults.run $(CASES) $(OUT)
	@test ! -f $(dir $(CASES))score.py || $(BIN)/python $(dir $(CASES))score.py $(CASES) $(OUT)
	$(BIN)/python -m benchmarks.faults.crossvalidate $(CASES) $(OUT)
	$(BIN)/python -m benchmarks.faults.peers

faults-torch: $(VENV)/.dev     ## diagnose PyTorch programs, broken and repaired: CASES=folder OUT=diagnoses.jsonl
	$(BIN)/python -m benchmarks.faults.programs $(CASES) $(OUT)

bench-gpu: $(VENV)/.dev        ## the same on an NVIDIA GPU, where there is one
	$(BIN)/python -m benchmarks.gpu

clean:                         ## remove what can be made again
	rm -rf $(VENV) $(LOWEST) $(NEWEST) demo dist build .pytest_cache .ruff_cache .hypothesis

$(VENV)/.base: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(QUICKLY) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml requirements/dev.txt  # nothing that the lock file does not name but torch
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(QUICKLY) --require-hashes -r requirements/dev.txt
	$(BIN)/pip install $(QUICKLY) --no-build-isolation -e ".[dev]"
	@touch $(VENV)/.base $@

$(LOWEST)/.dev: pyproject.toml requirements/lowest.txt
	@test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/pip install $(QUICKLY) --require-hashes -r requirements/lowest.txt
	$(LOWEST)/bin/pip install $(QUICKLY) -e ".[test]"
	@touch $@

$(NEWEST)/.dev: pyproject.toml
	@test -x $(NEWEST)/bin/python || $(PYTHON) -m venv $(NEWEST)
	$(NEWEST)/bin/pip install $(QUICKLY) --upgrade -e ".[test]"
	@touch $@
