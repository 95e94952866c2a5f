# Every target sets itself up in .venv with nothing but Python and pip, and can be run again at any time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FUZZ_SECONDS ?= 600
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo corpus overnight upstream faults test-live record notebooks test test-examples lint type imports format bench docs fuzz matrix dist check clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-13s %s\n", $$1, $$2}'

demo: $(VENV)/.installed-demo ## Watch an agent work on this repository's files (local emulator unless a key is set)
	$(BIN)/python examples/demo.py
	$(BIN)/python examples/bot.py
	$(BIN)/python examples/responses.py
	$(BIN)/python examples/files.py
	$(BIN)/python examples/illustrate_pdf.py
	$(BIN)/python examples/images.py
	$(BIN)/python examples/videos.py
	$(BIN)/python examples/rag.py
	$(BIN)/python examples/knowledge_base.py
	$(BIN)/python examples/qianfan.py

corpus: $(VENV)/.installed-ray ## Embed 100,000 texts with Ray Data (about three minutes), restartable; CORPUS=--batch for batch inference
	$(BIN)/python examples/embed_corpus_ray.py $(CORPUS)

overnight: $(VENV)/.installed-dev ## Send 100,000 calls of batch inference to an emulator, killed half-way and restarted
	$(BIN)/python -m benchmarks.batch

notebooks: $(VENV)/.installed-notebooks ## Run all notebooks and keep their outputs (emulator where no key is set)
	$(BIN)/python scripts/notebooks.py

test: $(VENV)/.installed-dev ## Run the package's tests (of the fault matrix each pair: make faults runs all)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --ignore tests/notebooks --ignore tests/integration/project

test-examples: $(VENV)/.installed-dev ## Run the tests of notebooks, examples, pages, benchmarks and live tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4 tests/notebooks tests/integration/project

faults: $(VENV)/.installed-dev ## Run every cell of the fault matrix
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --all-faults tests/integration/http/test_faults.py tests/integration/http/test_faults_proxies.py

upstream: $(VENV)/.installed-upstream ## Test the emulator in front of a real model (a llama.cpp server on this machine)
	$(BIN)/python -m pytest -n 0 --upstream tests/upstream

test-live: $(VENV)/.installed-test ## Run tests/live against the real services whose variables are set
	$(BIN)/python -m pytest -n 0 --live=services --force-enable-socket tests/live

record: $(VENV)/.installed-test ## Keep sanitised replies of the real services in tests/live/fixtures
	$(BIN)/python -m pytest -n 0 --live=services --force-enable-socket --record tests/live/fixtures tests/live/test_record.py

lint: $(VENV)/.installed-dev ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/.installed-dev ## Check types (strict)
	$(BIN)/mypy

imports: $(VENV)/.installed-dev ## Check who imports whom
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-bench ## Measure speed beside other packages, as ratios in one run
	$(BIN)/python -m benchmarks

docs: $(VENV)/.installed-docs ## Build the documentation site, both languages, into build/site (warnings are errors)
	rm -rf build/site
	$(BIN)/sphinx-build --fail-on-warning --quiet --conf-dir docs -D language=en docs build/site/en -d build/doctrees/en
	$(BIN)/sphinx-build --fail-on-warning --quiet --conf-dir docs -D language=zh_CN docs/zh build/site/zh -d build/doctrees/zh
	cp docs/_static/choose.html build/site/index.html

fuzz: $(VENV)/.installed-fuzz ## Look for new examples that break something (FUZZ_SECONDS=600)
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS)

matrix: $(VENV)/.installed-release ## Run the tests on every Python found, with lowest and newest dependencies
	$(BIN)/python scripts/matrix.py $(MATRIX)

dist: $(VENV)/.installed-release ## Build wheel and source archive, check them, try the wheel where nothing else is
	$(BIN)/python scripts/dist.py

check: lint type imports test test-examples ## Everything CI checks

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; say make PYTHON=…")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-%: pyproject.toml scripts/ark_sdk.py | $(BIN)/python
	@echo "Setting up $(VENV) ($*) …"
	@$(PIP) install 'dependency-groups>=1.3'
	@$(PIP) install --editable '.[emulator]'
	@PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/pip-install-dependency-groups $*
	@case $* in dev|test|upstream|fuzz) $(BIN)/python scripts/ark_sdk.py ;; esac
	@touch $@
