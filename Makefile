# Every target sets itself up in .venv with nothing but Python and pip, and can be run again at any time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo corpus test lint type imports format bench check clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-8s %s\n", $$1, $$2}'

demo: $(VENV)/.installed-demo ## Watch an agent work on this repository's files (local emulator unless a key is set)
	$(BIN)/python examples/demo.py
	$(BIN)/python examples/bot.py
	$(BIN)/python examples/rag.py
	$(BIN)/python examples/knowledge_base.py
	$(BIN)/python examples/qianfan.py

corpus: $(VENV)/.installed-ray ## Embed 100,000 texts with Ray Data (about three minutes), restartable
	$(BIN)/python examples/embed_corpus_ray.py

test: $(VENV)/.installed-dev ## Run all tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4

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

check: lint type imports test ## Everything CI checks

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; say make PYTHON=…")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-%: pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) ($*) …"
	@$(PIP) install 'dependency-groups>=1.3'
	@$(PIP) install --editable '.[emulator]'
	@PIP_QUIET=1 PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/pip-install-dependency-groups $*
	@touch $@
