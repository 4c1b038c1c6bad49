# Two targets set up everything they need: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: demo test quick lint types imports bench bench-photos bench-train references clean

.venv/report: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check 'torch==2.13.0'
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[report,face,baselines]'
	touch $@

.venv/dev: .venv/report
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	npm install --silent --no-save --prefer-offline --fetch-retries=1 --fetch-timeout=20000 --prefix .venv axe-core@4.14.1 \
	  || echo 'axe-core could not be installed: pages are not checked with it'
	touch $@

demo: .venv/report ## from photographs to scores, and from scores to a report
	@if $(BIN)/fahrstats data path congress225 >/dev/null 2>&1; then \
	  $(BIN)/fahrstats run congress; \
	else \
	  echo 'No congress225 in the data folder: scoring the astronaut, reporting flchain' && \
	  $(BIN)/pip install --quiet --disable-pip-version-check 'scikit-image>=0.25' && \
	  $(BIN)/fahrstats score "$$($(BIN)/fahrstats data path astronaut)" \
	    --checkpoint mini-age --restart -o results/astronaut.csv && \
	  $(BIN)/fahrstats run flchain; \
	fi

test: .venv/dev lint types imports ## everything that must hold
	$(BIN)/pytest -n auto
	NUMBA_DISABLE_JIT=1 $(BIN)/pytest tests/kernels -n auto

quick: .venv/dev ## tests that take seconds
	$(BIN)/pytest -n auto -m 'not slow'

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/dev
	$(BIN)/mypy

imports: .venv/dev
	$(BIN)/lint-imports

bench: .venv/dev ## timings next to other packages, as ratios
	$(BIN)/pip install --quiet --disable-pip-version-check 'survival==2.0.0' 'fast-cindex==0.1.0'
	$(ONE_THREAD) $(BIN)/python -m benchmarks

bench-photos: .venv/dev ## photos a second, the networks' share of a matrix product, memory
	$(ONE_THREAD) $(BIN)/python -m benchmarks.network
	$(ONE_THREAD) $(BIN)/python -m benchmarks.photos "$$($(BIN)/fahrstats data path congress225)/images"
	$(BIN)/python -m benchmarks.scoring

bench-train: .venv/dev ## training steps and the whole loop as a share of a matrix product
	$(ONE_THREAD) $(BIN)/python -m benchmarks.training

references: ## values from R, which must be on the PATH with survival, jsonlite, digest
	for name in agreement calibration concordance competing concordance_weights correlation cox_rows cox_options cohorts_pooled coxph early_deaths firth horizons imputations joint_groups net_benefit repeatability restricted_means splines subjects survdiff survfit; do \
	  Rscript tests/reference/$$name.R || exit 1; \
	done

clean:
	rm -rf .venv results .pytest_cache .mypy_cache .ruff_cache .hypothesis
