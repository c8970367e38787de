# make demo    try it: a simulated Exchange, the bridge in front of it, and what to type into a client
# make test    everything that must hold: ruff, mypy, the tests
# make corpus  real iCalendar objects through the bridge and back (needs ICALENDAR_CORPUS)
# make bench   the figures of docs/performance.md
# make soak    the long runs: thousands of drawn series and events, a kill at every step of every write, long random walks
#              tens of thousands of events drawn from the grammar of iCalendar there and back
# make judges  other people's CalDAV test suites and clients against the demo; the scores are in docs/conformance.md
# make docs    write the tables of docs/mapping.md and docs/reliability.md from the code
# make format  lay the code out as ruff does
# make lock    choose the newest allowed versions of everything and write requirements.lock

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

SHARED := $(wildcard ../shared)
export EXCHANGE_SCHEMAS ?= $(if $(SHARED),$(abspath $(SHARED))/exchange)
export ICALENDAR_CORPUS ?= $(if $(SHARED),$(abspath $(SHARED))/ics)

export THUNDERBIRD_DRIVE ?= $(if $(SHARED),$(abspath $(SHARED))/clients/thunderbird_drive.py)

.PHONY: demo test lint unit corpus bench soak judges docs format lock clean

demo: $(READY)
	$(BIN)/exchange-bridge demo

test: lint unit

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

unit: $(READY)
	$(BIN)/pytest -n auto --dist worksteal $(PYTEST_ARGS)

corpus: $(READY)
	$(BIN)/python benchmarks/corpus.py $(CORPUS_ARGS)

bench: $(READY)
	$(BIN)/python benchmarks/bench.py $(BENCH_ARGS)

soak: $(READY)
	DRAWN_SERIES=$(or $(DRAWN_SERIES),3000) DRAWN_EVENTS=$(or $(DRAWN_EVENTS),10000) KILL_STRIDE=1 WHOLE_MATRIX=1 \
		WALK_STEPS=$(or $(WALK_STEPS),2000) WALK_SEED=$(or $(WALK_SEED),1) $(BIN)/pytest -n auto --dist worksteal \
		tests/acceptance/test_expansions.py tests/acceptance/test_clock_changes.py tests/acceptance/test_grammar.py \
		tests/mapping/test_grammar.py tests/acceptance/test_kill.py tests/acceptance/test_random_walk.py \
		tests/acceptance/test_fault_matrix.py $(PYTEST_ARGS)

judges: $(READY)
	$(BIN)/python -m judges $(JUDGES_ARGS)

docs: $(READY)
	$(BIN)/python -m docs.mapping_tables
	$(BIN)/python -m docs.reliability_tables

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(READY)
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --all-extras --generate-hashes --universal --python-version 3.11 \
		--no-header --no-emit-index-url pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	@echo "Setting up $(VENV): this takes about a minute, once."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(READY)
