# The course in one command: make lab. `make help` lists the others.

.DEFAULT_GOAL := help
.PHONY: help setup lab test test-slow lint format lock pictures clean

# PYTHON=... chooses an interpreter; otherwise the set-up looks for one that is new enough.
SETUP_PYTHON := $(or $(PYTHON),$(shell command -v python3 || command -v python))
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
# A file's tests stay together, because they share a browser or a server.
PARALLEL := -n logical --maxprocesses=4 --dist=loadfile

help:  ## list these commands
	@sed -n 's/^\([a-z-]*\):.*##  */\1|/p' Makefile | while IFS='|' read -r name what; do \
		printf '  make %-10s %s\n' "$$name" "$$what"; done

setup:  ## make or refresh .venv; at once where there is nothing to do
	@test -n "$(SETUP_PYTHON)" || { \
		echo "lrlesson: no Python found: install Python 3.11 or newer." >&2; exit 1; }
	@"$(SETUP_PYTHON)" tools/setup_env.py $(if $(PYTHON),--asked)

lab: setup  ## open the course in JupyterLab (PORT=9000 make lab: at that port)
	@$(BIN)/lrlesson lab $(if $(PORT),--port $(PORT))

test: setup lint  ## every test but the slow ones, with lint and types
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow"

test-slow: setup  ## the slow tests
	$(BIN)/python -m pytest -m slow  # one by one: some of them look for what the machine has left over

lint: setup  ## style, types, spelling, and the arrows between the modules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

format: setup  ## let ruff put code and notebooks into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Keeps the versions of requirements.lock where it can; LOCK="--upgrade" takes the newest.
lock: setup  ## renew requirements.lock from pyproject.toml (LOCK=--upgrade: newest versions)
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet $(LOCK) -o requirements.lock

pictures: setup  ## photograph the lessons for the README, in Chromium
	$(BIN)/python tools/pictures.py

clean:  ## remove .venv and everything that tests and builds leave behind
	rm -rf .venv build dist results .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
