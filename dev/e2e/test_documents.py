"""The documents: every link and picture in them leads somewhere."""

import re
import subprocess

import pytest

from lab.host.paths import ROOT

_MARKDOWN = re.compile(r"\]\(<?([^)>\s]+)")
_RST = re.compile(r"(?:`[^`<]*<([^>]+)>`__?|^\.\. image:: (\S+))", re.MULTILINE)


def documents():
    names = subprocess.run(
        ["git", "ls-files", "*.md", "*.rst"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    return [ROOT / name for name in names]


@pytest.mark.parametrize("document", documents(), ids=lambda file: str(file.relative_to(ROOT)))
def test_links_and_pictures_lead_somewhere(document):
    text = document.read_text()
    found = _MARKDOWN.findall(text) if document.suffix == ".md" else [a or b for a, b in _RST.findall(text)]
    for target in found:
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _sign, anchor = target.partition("#")
        file = (document.parent / name) if name else document
        assert file.exists(), target
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file.read_text()), target


def anchors(text):
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
