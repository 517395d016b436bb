# The commands for developers. The lab (Odoo, PostgreSQL, Dovecot, Postfix, Chromium) is in .lab and listens on loopback.

# With exec, the program replaces the shell: a signal reaches the program, and does not end only the shell.
LAB := exec env PYTHONPATH=dev python3 -m lab
PYTHON := .lab/venv/bin/python

# Python keeps what it has compiled, whatever the machine says: each start of Odoo compiles 1,400 files otherwise.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup environment databases demo dev test test-unit test-e2e test-core test-tools lint bench clean

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: ## install the lab: Debian packages, Odoo 19, Python environment, databases
	@$(LAB) setup

environment: ## install the lab without databases
	@$(LAB) environment

databases: environment ## build the template databases now, instead of when the first test needs them
	@$(LAB) databases base gateway core core_tests

demo: setup ## start Odoo with the addon and two mail servers, and play a demonstration
	@exec env PYTHONPATH=dev $(PYTHON) dev/demo.py

dev: setup ## serve Odoo with the addon on a database with sample mail; reload when a file changes
	@exec env PYTHONPATH=dev $(PYTHON) dev/develop.py

test: lint test-unit test-e2e test-core ## run lint, test-unit, test-e2e and test-core; they have to pass before a push
	@echo "All tests passed."

lint: environment ## check style and imports
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@PYTHONPATH=dev .lab/venv/bin/lint-imports --no-logo --no-cache
	@$(PYTHON) -m pylint --rcfile=.pylintrc --ignore-paths='^mail_gateway/tests/' mail_gateway
	@# pylint-odoo takes files in folders below tests/ for the addon's own code
	@$(PYTHON) -m pylint --rcfile=.pylintrc --disable=odoo-addons-relative-import,translation-required mail_gateway/tests

test-unit: setup ## run all tests of the addon, in Odoo's test runner [TAGS=/mail_gateway:TestRules or FILE=...]
	@$(LAB) test-unit $(or $(FILE),$(TAGS))

test-e2e: setup ## run the end-to-end tests: real mail servers, a real browser, killed processes
	@$(LAB) test-e2e

test-core: setup ## run Odoo's own mail tests, with the addon installed
	@$(LAB) test-core

test-tools: environment ## run the tests of tools/ without Odoo, in seconds; test-unit runs them, too [FILE=...]
	@$(LAB) test-tools $(FILE)

bench: setup ## measure incoming mail, side by side with Odoo's own gateway
	@exec env PYTHONPATH=dev $(PYTHON) -m bench

clean: ## stop all processes of the lab and remove .lab
	@$(LAB) clean
