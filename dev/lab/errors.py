"""The one exception of the lab."""


class LabError(Exception):
    """Something outside our code is missing or refuses; the text says what, where and what to do about it."""
