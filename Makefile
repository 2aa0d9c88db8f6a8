# Footnote. `make chat` and `make test` are all that a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV ?= uv
PORT ?= 7860
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--custom-compile-command "make lock"

.PHONY: chat test lint format eval gate verifier-error bench-grounding bench-ingest bench-filters bench-serve bench-start stress-ingest \
	lock schemas clean

chat: $(VENV)/.runtime  ## open the chat page on 127.0.0.1:7860
	$(BIN)/rag chat --port $(PORT)

test: $(VENV)/.dev  ## run the whole suite
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

lint: $(VENV)/.dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

eval: $(VENV)/.runtime  ## the offline evaluation
	$(BIN)/rag eval

gate: $(VENV)/.runtime  ## the offline evaluation, held to eval/gate.toml
	$(BIN)/rag eval --gate eval/gate.toml

verifier-error: $(VENV)/.runtime  ## how often the verifier itself is wrong, for every report
	$(BIN)/python -m eval.measure_verifier

bench-grounding: $(VENV)/.runtime  ## how long it takes to check a sentence
	$(BIN)/python -m eval.bench_grounding

bench-ingest: $(VENV)/.runtime  ## how fast papers go in and are found; SCIFACT=folder: retrieval too
	$(BIN)/python -m eval.bench_ingest $(if $(SCIFACT),--scifact $(SCIFACT))

bench-filters: $(VENV)/.runtime  ## how long a filtered search takes among 100,000 papers
	$(BIN)/python -m eval.bench_filters

bench-serve: $(VENV)/.runtime  ## 20 readers at once: errors, mix-ups, times, memory
	$(BIN)/python -m eval.bench_serve $(if $(SECONDS),--seconds $(SECONDS))

bench-start: $(VENV)/.runtime  ## how long the page takes to start, the first time and later
	$(BIN)/python -m eval.bench_start

stress-ingest: $(VENV)/.dev  ## kill an ingest 100 times and compare what is there each time
	$(BIN)/python -m tests.stress_ingest 100

schemas: $(VENV)/.runtime  ## docs/schema and docs/commands.md from the code
	$(BIN)/python -m rag.schemas docs

lock:  ## needs uv; writes both lock files, with hashes
	$(COMPILE) --extra weights --group build pyproject.toml -o requirements.lock
	$(COMPILE) --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache

# --no-deps: the lock file is complete, and leaves out what no code of ours reaches.
$(VENV)/.runtime: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in {(3, 11), (3, 12), (3, 13)} and "Footnote needs Python 3.11, 3.12 or 3.13; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	touch $@
