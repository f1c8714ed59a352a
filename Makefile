# The course in one command: make lab. `make help` lists the others.

.DEFAULT_GOAL := help
.PHONY: help setup course lab zip test test-slow test-browsers test-claims test-oldest test-newest lint format lock pictures site pages pdf lite clean

# PYTHON=... chooses an interpreter; otherwise the set-up looks for one that is new enough.
SETUP_PYTHON := $(or $(PYTHON),$(shell command -v python3 || command -v python))
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
# A file's tests stay together, because they share a browser or a server. tests/conftest.py orders them.
# Three on two cores: one works while browsers and kernels are waited for.
PARALLEL := -n 3 --dist=loadfile --no-loadscope-reorder
# CI's machine is shared: a test that fails there is tried once more, and the summary names it.
AGAIN := $(if $(CI),--reruns 1)

help:  ## list these commands
	@sed -n 's/^\([a-z-]*\):.*##  */\1|/p' Makefile | while IFS='|' read -r name what; do \
		printf '  make %-12s %s\n' "$$name" "$$what"; done

setup:  ## make or refresh .venv; at once where there is nothing to do
	@test -n "$(SETUP_PYTHON)" || { \
		echo "lrlesson: no Python found: install Python 3.11 or newer." >&2; exit 1; }
	@"$(SETUP_PYTHON)" tools/setup_env.py $(if $(PYTHON),--asked) $(ONLY)

course: ONLY = --course
course: setup  ## the same with what the lessons need and no more; keeps what is there

lab: course  ## open the course in JupyterLab (PORT=9000 make lab: at that port)
	@$(BIN)/lrlesson lab $(if $(PORT),--port $(PORT))

# For those without git: what is committed, without what only developers run.
ZIP := build/lrlesson-course.zip
zip:  ## the course as one file for those without git, build/lrlesson-course.zip
	@mkdir -p $(dir $(ZIP))
	git archive --format=zip --prefix=lrlesson/ -o $(ZIP) HEAD . ':!tests' ':!benchmarks' ':!.ci' ':!.github'

test: setup lint  ## every test but the slow ones, with lint and types
	$(BIN)/python -m pytest $(PARALLEL) $(AGAIN) -m "not slow"

# Firefox and WebKitGTK, in a lane of their own: CI does not have them.
BROWSERS := tests/browser/test_other_browsers.py
test-browsers: setup  ## move scenes in Firefox ESR and WebKitGTK, by keys and mouse
	$(BIN)/python -m pytest $(BROWSERS)

# The grader's go one by one: some of them look for what the machine has left over.
test-slow: setup  ## the slow tests
	$(BIN)/python -m pytest -n 2 --dist=loadfile --no-loadscope-reorder $(AGAIN) -m slow --ignore=tests/grading --ignore=$(BROWSERS)
	$(BIN)/python -m pytest $(AGAIN) -m slow tests/grading

test-claims: setup  ## what the lessons claim, on seeds of this day that nobody has seen
	$(BIN)/python -m pytest -n 2 --dist=loadfile tests/claims --seeds today

# Everything that the project asks for directly in its lowest version. What those versions use of their
# own dependencies has since been deprecated, and that is not ours to mend.
# The tests of what builds and checks the project stay out: those tools are the locked ones.
TOOLS := site $(addprefix packaging/test_,architecture.py package.py readme.py requirements.py setup.py)
test-oldest: setup  ## the fast tests without a browser, on the lowest versions of pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --all-extras --group build --group test --resolution lowest-direct \
		--python-version 3.11 --no-header --no-annotate --quiet -o build/oldest/requirements.txt
	$(BIN)/uv venv --quiet --clear --python 3.11 build/oldest/venv
	$(BIN)/uv pip sync --quiet --python build/oldest/venv build/oldest/requirements.txt
	$(BIN)/uv pip install --quiet --python build/oldest/venv --no-deps --no-build-isolation -e .
	PYDEVD_DISABLE_FILE_VALIDATION=1 build/oldest/venv/$(notdir $(BIN))/python -m pytest $(PARALLEL) -m "not slow and not browser" \
		-p no:cacheprovider $(addprefix --ignore=tests/,$(TOOLS)) \
		-W ignore::DeprecationWarning -W ignore::PendingDeprecationWarning

test-newest:  ## make test on Debian's newest Python, in a folder that debootstrap makes (as root)
	tools/newest.sh

lint: setup  ## style, types, spelling, and the arrows between the modules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/zizmor --quiet --offline --no-progress .github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(wildcard .github/workflows/*.yml)
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms \
		$(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

format: setup  ## let ruff put code and notebooks into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# Keeps the versions of requirements.lock where it can; LOCK="--upgrade" takes the newest.
# What `make lab` installs has a lock of its own, with the same versions.
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --quiet
lock: setup  ## renew both locks from pyproject.toml (LOCK=--upgrade: newest versions)
	$(BIN)/$(COMPILE) --all-extras --group dev $(LOCK) -o requirements.lock
	$(BIN)/$(COMPILE) --extra course --group build -c requirements.lock -o requirements-course.lock

pictures: setup  ## photograph the lessons and every explorer, in Chromium
	$(BIN)/python tools/pictures.py

site: setup  ## build the web pages, and the course that runs in them, into build/site/html (asks npm and PyPI)
	$(BIN)/python site/build.py --run

pages: setup  ## build the web pages alone (needs no network, nor do they)
	$(BIN)/python site/build.py

pdf: pages  ## print all lessons into one PDF, build/site/course.pdf
	$(BIN)/python site/print.py

lite: setup  ## build the course for JupyterLite into build/lite/html (needs npm, and asks npm and PyPI)
	$(BIN)/python lite/build.py

clean:  ## remove .venv and everything that tests and builds leave behind
	rm -rf .venv build dist results .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
