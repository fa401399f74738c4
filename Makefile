# Lastgood. Each target sets up all that it needs; `make` lists them.
PORT ?= 8000
DATA_DIR ?= var
DAGSTER ?= 0
AIRFLOW ?= 0
DEMO ?= 1
ARGS ?=

PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup up test check fmt bench pictures lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1: /p' Makefile | while IFS= read -r line; do \
		printf '  %-12s%s\n' "$${line%%:*}" "$${line#*:}"; done

setup: ## make .venv, with all that the other targets need
	@sh bootstrap/setup.sh

# What a parent make exports must not reach the tests, so that only `up` is told these.
up: export PORT := $(PORT)
up: export DATA_DIR := $(DATA_DIR)
up: export DAGSTER := $(DAGSTER)
up: export AIRFLOW := $(AIRFLOW)
up: export DEMO := $(DEMO)
up: setup ## run Lastgood; PORT= HOST= DATA_DIR= say where; DEMO=0: without examples; DAGSTER=1, AIRFLOW=1: with a real one
	@exec $(PYTHON) manage.py up --stop-with-parent

test: setup ## run the tests; ARGS="tests/up -k broker" chooses
	@sh bootstrap/test.sh -n logical $(ARGS)

check: setup ## run every check of the code: style, types, layers, settings, migrations, templates
	@sh bootstrap/check.sh

fmt: setup ## format code and templates, and mend what can be mended
	@$(PYTHON) -m ruff check --fix --exit-zero --quiet .
	@$(PYTHON) -m ruff format .
	@if [ -d templates ]; then $(PYTHON) -m djlint templates --reformat --quiet || true; fi

bench: setup ## measure
	@if [ -f tests/bench/run.py ]; then exec $(PYTHON) -m tests.bench.run $(ARGS); \
		else echo "There is nothing to measure yet: tests/bench/run.py is not there."; fi

pictures: setup ## take the README's pictures anew, of the demonstration with a real Dagster
	@exec $(PYTHON) -m tests.pages.readme_pictures

lock: ## write the requirements anew from pyproject.toml; ARGS=--upgrade takes newer ones
	@sh bootstrap/lock.sh $(ARGS)

clean: ## remove what was made here, but never the data
	rm -rf .venv .tools build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
