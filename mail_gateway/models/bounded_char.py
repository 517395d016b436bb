"""Text fields whose values fit into an index."""

from odoo import fields

from ..tools.text.indexed_text import INDEXED_BYTES, bounded


class BoundedChar(fields.Char):
    """An indexed text from outside: a value that is too long for an index is shortened, both when stored and in searches.

    Different texts stay different. PostgreSQL refuses a row when an entry of an index would exceed 2,704 bytes.
    """

    max_bytes = INDEXED_BYTES

    def convert_to_cache(self, value, record, validate=True):
        """Extends core's method, which all writing and searching goes through."""
        value = super().convert_to_cache(value, record, validate)
        return value and bounded(value, self.max_bytes)
