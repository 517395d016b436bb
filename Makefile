# Everything a developer runs. The lab (Odoo, PostgreSQL, Dovecot, Postfix, Chromium) lies in .lab and listens on loopback.

# exec: a signal for make reaches the program, and no shell in between dies of it alone.
LAB := exec env PYTHONPATH=dev python3 -m lab
PYTHON := .lab/venv/bin/python

.PHONY: help setup databases demo dev test test-unit test-e2e test-core test-tools lint bench clean

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: ## put the lab there: Debian packages, Odoo 19, Python environment, databases
	@$(LAB) setup

databases: setup ## build now what tests copy, instead of when the first one wants it
	@$(LAB) databases base gateway core core_tests

demo: setup ## start Odoo with the addon, two mail servers and a walk through it
	@exec env PYTHONPATH=dev $(PYTHON) dev/demo.py

dev: setup ## serve Odoo with the addon on a database with sample mail; a changed file is seen at once
	@exec env PYTHONPATH=dev $(PYTHON) dev/develop.py

test: lint test-unit test-e2e test-core ## all of the following; what has to pass before a commit
	@echo "All tests passed."

lint: setup ## check style, and who imports whom
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@PYTHONPATH=dev .lab/venv/bin/lint-imports --no-logo --no-cache
	@$(PYTHON) -m pylint --rcfile=.pylintrc --ignore-paths='^mail_gateway/tests/' mail_gateway
	@# pylint-odoo takes files in folders below tests/ for the addon's own code
	@$(PYTHON) -m pylint --rcfile=.pylintrc --disable=odoo-addons-relative-import,translation-required mail_gateway/tests

test-unit: setup ## the addon's own tests, in Odoo's test runner [TAGS=/mail_gateway:TestRules or FILE=...]
	@$(LAB) test-unit $(or $(FILE),$(TAGS))

test-e2e: setup ## real mail servers, real browser, killed processes
	@$(LAB) test-e2e

test-core: setup ## the tests of Odoo's own mail, with the addon installed
	@$(LAB) test-core

test-tools: setup ## the tests of tools/ without Odoo, in seconds; test-unit has them, too [FILE=...]
	@$(LAB) test-tools $(FILE)

bench: setup ## incoming mail side by side with Odoo's own gateway
	@exec env PYTHONPATH=dev $(PYTHON) -m bench

clean: ## stop all processes of the lab and remove .lab
	@$(LAB) clean
