# Madoguchi: every target sets up what it needs; what must come from the system is said plainly.
SHELL := /bin/bash
PY := .venv/bin/python
PYTHON ?= python3
export PIP_DISABLE_PIP_VERSION_CHECK := 1
JOBS ?= $(shell nproc)
NO_DATABASE := postgresql://nobody@127.0.0.1:9/none

.PHONY: demo test test-fast test-long check bench bench-peers bench-nodes lighthouse requirements setup lock messages clean-demo
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/ready .venv/ui ## Python packages, design tokens, compiled languages

.venv/ready: requirements/lock.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: apt-get install python3.11 python3.11-venv, or set PYTHON=…"; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@test -x .venv/bin/uv || .venv/bin/pip install --quiet uv
	@.venv/bin/uv pip install --quiet --python $(PY) --require-hashes -r requirements/lock.txt
	@.venv/bin/uv pip install --quiet --python $(PY) --no-deps -e .
	@touch $@

.venv/ui: .venv/ready package-lock.json frontend/build.mjs $(wildcard madoguchi/locale/*/LC_MESSAGES/django.po) $(shell find frontend -name '*.js' -o -name '*.css' 2>/dev/null)
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund && npm run --silent build; \
	else echo "note: Node.js is missing, so the design tokens are not installed; pages use built-in values (apt-get install nodejs npm)"; fi
	@$(PY) tools/compile_messages.py
	@touch $@

demo: setup ## the whole system with synthetic data of five cities on 127.0.0.1:8000 (or PORT)
	@exec .venv/bin/madoguchi demo

clean-demo: setup ## the demo with its data made anew
	@exec .venv/bin/madoguchi demo --fresh

test: setup tools/browser tools/telephony ## every test, also in a real browser
	@$(PY) tools/run_tests.py -n $(JOBS) --dist loadgroup $(ARGS)

test-long: setup tools/browser tools/telephony ## forms fuzzed with every value for every role, whole simulated months, every language by keyboard and by pointer
	@MADOGUCHI_FUZZ=full MADOGUCHI_MONTH=full MADOGUCHI_E2E=full $(PY) -m pytest -n $(JOBS) --dist loadgroup --timeout 7200 tests/fuzz tests/months tests/e2e/test_length.py tests/e2e/test_scarce.py $(ARGS)

test-fast: setup tools/telephony ## tests without browser, races and crashes
	@$(PY) -m pytest -n $(JOBS) --dist loadgroup -m "not e2e and not slow and not race" $(ARGS)

.PHONY: tools/browser tools/telephony
tools/browser tools/telephony:
	@bash $@.sh

check: setup ## style, types, import contracts, migrations, templates, profiles, docs
	@$(PY) -m ruff check .
	@DATABASE_URL=$(NO_DATABASE) $(PY) -m mypy
	@.venv/bin/lint-imports --no-cache
	@MADOGUCHI_DATA=var/check $(PY) manage.py makemigrations --check --dry-run
	@DATABASE_URL=$(NO_DATABASE) $(PY) tools/check_templates.py
	@.venv/bin/madoguchi profile check profiles/*.toml
	@$(PY) -m pytest -q -n0 tests/test_docs.py tests/test_architecture.py

bench: setup ## measure against limits and peers; writes benchmarks/results.json, voice.json and pop.json
	@$(PY) -m benchmarks.run
	@$(PY) -m benchmarks.voice
	@$(PY) -m benchmarks.pop

lighthouse: setup ## the residents' pages as Lighthouse sees them on a telephone; writes benchmarks/pages.json
	@cd benchmarks/lighthouse && npm ci --silent --no-audit --no-fund
	@$(PY) -m benchmarks.pages

bench-peers: setup ## measure the peers anew (long); make bench reads their last figures
	@$(PY) -m benchmarks.peers

bench-nodes: setup ## two nodes, worker, PgBouncer, proxy; one node is killed; writes benchmarks/nodes.json
	@$(PY) -m benchmarks.nodes

requirements: setup ## requirement → tests, and those without
	@$(PY) tools/requirements.py

lock: ## resolve the Python packages anew
	@.venv/bin/uv pip compile pyproject.toml --group dev --generate-hashes --no-emit-index-url --no-header -q -U -o requirements/lock.txt
