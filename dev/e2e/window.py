"""The browser as the tests of screens use it: somebody is logged in, and JavaScript must not complain."""

from contextlib import contextmanager

from lab.testing.browser import Browser


@contextmanager
def administrators_window(odoo):
    """A browser in which the administrator is logged in; complaints of JavaScript are collected in its `errors`."""
    with Browser() as browser:
        browser.page.on("console", lambda said: is_complaint(said) and browser.errors.append(said.text))
        browser.login(odoo)
        yield browser


def is_complaint(said):
    """Whether a message of the browser's console is an error; a library that Debian leaves out of Odoo is none."""
    return said.type == "error" and "selfie_segmentation" not in said.text


@contextmanager
def without_complaints(window):
    """Meanwhile JavaScript must not complain."""
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
    """Whether nothing of an element sticks out at its side."""
    return locator.evaluate("element => element.scrollWidth <= element.clientWidth")


def row(page, text):
    """The row of a list that contains a text."""
    return page.locator(".o_data_row", has_text=text)
