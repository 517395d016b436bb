"""Running the tests: Odoo's test runner, pytest, a browser, mail of other projects."""
