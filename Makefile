# hazmon. Nothing but Python >= 3.11, make and apt is needed: no root, Docker, Node or database.
PYTHON ?= python3
BIN := .venv/bin
HAZMON_HOME ?= $(CURDIR)/.hazmon
export HAZMON_HOME
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long check bench screenshots lock clean clean-data

help:
	@echo "make demo         演示：整个园区，浏览器看 http://127.0.0.1:8080 · the whole park, running"
	@echo "make test         every test, against real servers"
	@echo "make test-long    alarm engine and reference model side by side through a million steps"
	@echo "make check        linters, types, architecture and unit tests, in seconds"
	@echo "make bench        measure, and write bench.json"
	@echo "make screenshots  pictures of the running page"
	@echo "make setup        the environment only;  make lock: resolve its versions anew"
	@echo "make clean        remove what was built (.venv, caches, the page), not what was recorded;  make clean-data: that too"

setup:
	@$(PYTHON) deploy/environment.py

lock:
	@$(PYTHON) deploy/environment.py lock

demo: setup
	@exec $(BIN)/python deploy/demo.py

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/unit tests/house

test: setup
	@$(BIN)/python -m pytest $(ARGS)

test-long: setup
	@HAZMON_MODEL_STEPS=1000000 $(BIN)/python -m pytest --timeout=0 tests/model $(ARGS)

bench: setup
	@PYTHONPATH=deploy:tests $(BIN)/python -m bench

screenshots: setup
	@$(BIN)/python tests/browser/screenshots.py

clean:
	@$(PYTHON) deploy/clean.py

clean-data:
	@$(PYTHON) deploy/clean.py --data
