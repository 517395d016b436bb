"""Names of attachments that say what they are."""

import mimetypes
import re

LONGEST = 200
_CUT, _ENDING = 120, 10
# characters that change the direction of what is written, to show .exe as .pdf (CVE-2009-3376)
_DIRECTIONS = "\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069"
_INVISIBLE = re.compile(f"[\x00-\x1f\x7f-\x9f\ufeff\ufffe\uffff\ufffd\ud800-\udfff{_DIRECTIONS}]")
_PATH = re.compile(r"^[/\\~]|^[A-Za-z]:|(?:^|[/\\])\.\.(?:[/\\]|$)")


def is_hostile(name: str) -> bool:
    """Whether a name is a path, hides something or is beyond what file systems take."""
    return len(name) > LONGEST or bool(_INVISIBLE.search(name) or _PATH.search(name))


def safe_name(name: str, number: int, kind: str = "") -> str:
    """A name that a person can read and a file system takes.

    :param number: for one without a name
    :param kind: content type, for the ending of one without a name
    """
    name = " ".join(_INVISIBLE.sub("", name).split())
    if _PATH.search(name):
        name = re.split(r"[/\\:]", name)[-1]
    name = name.strip(". ~")
    if not name:
        return f"attachment-{number}{mimetypes.guess_extension(kind) or ''}"
    stem, dot, ending = name.rpartition(".")
    if len(name) > _CUT and dot and len(ending) <= _ENDING:
        return f"{stem[:_CUT]}.{ending}"
    return name[:_CUT]
