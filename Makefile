# Everything that people, hooks and CI do has one name, here.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready

BENCHMARKS := adjustment embeddings forecasts hmm labels lake lstm mobility text validation

.PHONY: help run serve check test docs floors bench $(BENCHMARKS:%=bench-%) clean
.NOTPARALLEL: # measurements beside each other measure nothing

help:
	@echo "make run     build the environment, run the whole job on the bundled samples"
	@echo "make test    build the environment, pass every check and test"
	@echo "make check   style, types, layers and the pure tests: a minute"
	@echo "make serve   Prefect server, worker and schedules, until Ctrl-C"
	@echo "make floors  no quality is below its floor: six to ten minutes"
	@echo "make bench   measurements, side by side with the peers, then make floors"
	@echo "make $(BENCHMARKS:%=bench-%)  one of them"
	@echo "make docs    generated pages"
	@echo "make clean   remove the environment and everything that runs made in data/"

# One exact environment; made again when the lock changes. The project itself is installed in place.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

run: $(READY)
	@$(BIN)/tidemill run

serve: $(READY)
	@$(BIN)/tidemill serve

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile tests

test: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile tests

docs: $(READY)
	$(BIN)/python -m expectations.table_docs > docs/tables.md
	$(BIN)/python -m tasks.running.stage_docs

floors: $(READY)
	@$(BIN)/python benchmarks/floors.py

bench: $(BENCHMARKS:%=bench-%) floors

$(BENCHMARKS:%=bench-%): bench-%: $(READY)
	@echo "== benchmarks/$*.py"
	@$(BIN)/python benchmarks/$*.py

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache
	rm -rf data/raw data/tables data/steps data/stages data/snapshots data/models data/ops data/prefect data/report data/warehouse.duckdb data/current data/*.lock
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
