# Needs git, make and Python 3.11 or later with its venv module; each target sets up what else it needs.
# Another Python: make PYTHON=python3.12 run. Arguments for the program behind a target: make test ARGS='tests/unit -x'.

PYTHON ?= python3
CONTAINERS ?= docker
ARGS ?=
VENV_PYTHON := .venv/bin/python

.PHONY: help run test test-matrix mutants check audit format bench cluster image image-test soak chaos clean environment
.DEFAULT_GOAL := help

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 \t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: ## Run the service with a private database and a stand-in mail provider, until Ctrl-C
	@$(PYTHON) -m tools.run

test: environment ## Run all tests, against a private database that is thrown away
	$(VENV_PYTHON) -m pytest $(ARGS)

test-matrix: environment ## Run all tests with each database server and each Python that is supported
	@$(VENV_PYTHON) -m tools.test_matrix $(ARGS)

mutants: environment ## Break rules and commands in hundreds of small ways, and see whether quick tests notice
	@$(VENV_PYTHON) -m tools.mutants $(ARGS)

check: environment ## Check format, lint, types, who imports whom, and that no file holds a secret
	$(VENV_PYTHON) -m ruff format --check
	$(VENV_PYTHON) -m ruff check
	$(VENV_PYTHON) -m mypy
	.venv/bin/lint-imports --no-logo
	$(VENV_PYTHON) -m tools.audit secrets

audit: environment ## Look for secrets in all that was ever committed, and ask PyPI for vulnerable packages
	$(VENV_PYTHON) -m tools.audit $(ARGS)

format: environment ## Format the code, and repair what the linter can
	$(VENV_PYTHON) -m ruff format
	$(VENV_PYTHON) -m ruff check --fix

bench: environment ## Measure whole journeys beside other services, the start, and what must stay cheap
	$(VENV_PYTHON) -m bench $(ARGS)

soak: environment ## Watch the service's memory through an hour of full load
	$(VENV_PYTHON) -m bench soak $(ARGS)

chaos: environment ## Break a cluster under load, part after part, and check that every promise was kept
	$(VENV_PYTHON) -m tools.chaos run $(ARGS)

cluster: environment ## Run three nodes of Galera, HAProxy, replicas of the service and the sandbox, until Ctrl-C
	@$(VENV_PYTHON) -m tools.cluster $(ARGS)

image: ## Build the container image (with podman: make CONTAINERS=podman image)
	$(CONTAINERS) build --tag registration .

image-test: environment ## Build the image with podman, run it as a careful platform would, and go the journey
	$(VENV_PYTHON) -m tools.image_test

clean: ## Remove what was set up: environment, caches, and the private database with its secret key
	rm -rf .venv .tools .data .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage*

environment:
	@$(PYTHON) -m tools.environment --dev
