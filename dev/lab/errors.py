"""The one exception of the lab."""


class LabError(Exception):
    """Something outside our code is missing or fails; the message says what, where and what to do about it."""
