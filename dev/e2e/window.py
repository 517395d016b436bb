"""The browser of the tests of screens: a user is logged in, and an error of JavaScript fails the test."""

from contextlib import contextmanager

from lab.testing.browser import Browser


@contextmanager
def administrators_window(odoo):
    """Yield a browser in which the administrator is logged in; its `errors` collect those of JavaScript."""
    with Browser() as browser:
        browser.page.on("console", lambda said: is_complaint(said) and browser.errors.append(said.text))
        browser.login(odoo)
        yield browser


def is_complaint(said):
    """Tell whether a console message is an error, except about a library that Debian leaves out of Odoo."""
    return said.type == "error" and "selfie_segmentation" not in said.text


@contextmanager
def without_complaints(window):
    """Fail at the end of the block if JavaScript had errors."""
    yield window
    errors = list(window.errors)
    window.errors.clear()
    assert not errors


def picture(window, name, **options):
    """Take a screenshot when nothing moves any more."""
    window.page.mouse.move(0, 0)
    window.page.evaluate("""() => Promise.all(document.getAnimations()
        .filter(animation => animation.effect.getComputedTiming().endTime < Infinity)
        .map(animation => animation.finished.catch(() => null)))""")
    window.screenshot(name, **options)


def fits(locator):
    """Tell whether the content of an element is not wider than the element."""
    return locator.evaluate("element => element.scrollWidth <= element.clientWidth")


def row(page, text):
    """Return the row of a list that contains a text."""
    return page.locator(".o_data_row", has_text=text)
