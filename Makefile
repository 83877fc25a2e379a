# Everything sets itself up: a virtual environment in .venv, then the task.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test install check docs format smoke bench bench-gpu faults clean

OUT ?= diagnoses.jsonl

demo: $(VENV)/.base            ## train on handwritten digits, ask why, write a report
	@rm -rf demo
	$(BIN)/whygrad train digits --epochs 60 --out demo
	$(BIN)/whygrad why demo "hidden1.weight[20, 3]" --sample 0
	$(BIN)/whygrad report demo

test: $(VENV)/.dev             ## run the tests
	$(BIN)/pytest -n auto --dist loadfile

install: $(VENV)/.dev          ## everything that development needs, PyTorch included

check: $(VENV)/.dev            ## lint, format, types, and imports that point downwards only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/pytest -q tests/test_layers_of_the_house.py
	$(BIN)/python -m benchmarks.table --check
	$(BIN)/python scripts/readme --check
	$(BIN)/python scripts/picture --check
	$(BIN)/python scripts/ailments --check

docs: $(VENV)/.dev             ## build the documentation into build/site, and run every example in it
	NO_MKDOCS_2_WARNING=1 JAX_PLATFORMS=cpu $(BIN)/mkdocs build --strict
	@echo build/site/index.html

format: $(VENV)/.dev           ## put the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

smoke: $(VENV)/.dev            ## build the wheel and try it in an empty environment
	PYTHON=$(PYTHON) scripts/smoke

bench: $(VENV)/.dev            ## measure against the peers; writes results and the README table
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.estimators
	$(BIN)/python -m benchmarks.watching
	$(BIN)/python -m benchmarks.table

faults: $(VENV)/.dev           ## diagnose the networks of a fault file: CASES=cases.yaml OUT=diagnoses.jsonl
	$(BIN)/python -m benchmarks.faults.reproduce $(CASES)
	$(BIN)/python -m benchmarks.faults.run $(CASES) $(OUT)
	@test ! -f $(dir $(CASES))score.py || $(BIN)/python $(dir $(CASES))score.py $(CASES) $(OUT)
	$(BIN)/python -m benchmarks.faults.crossvalidate $(CASES) $(OUT)
	$(BIN)/python -m benchmarks.faults.peers

bench-gpu: $(VENV)/.dev        ## the same on an NVIDIA GPU, where there is one
	$(BIN)/python -m benchmarks.gpu

clean:                         ## remove what can be made again
	rm -rf $(VENV) demo dist build .pytest_cache .ruff_cache .hypothesis

$(VENV)/.base: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $(VENV)/.base $@
