"""The values of records in a dry run, as the user who asks may read them."""

from contextlib import suppress
from datetime import timedelta

from odoo import models
from odoo.exceptions import AccessError
from odoo.tools import format_date, format_datetime, html2plaintext

from ...tools.dry_run import Value

# How many characters of a text, and how many names of a list are shown.
_SHOWN_CHARS, _SHOWN_NAMES = 400, 10
# A time within this distance of a default such as "now" counts as the default.
_NOW = timedelta(minutes=1)
_UNREADABLE = {"binary", "image", "one2many", "json", "properties", "properties_definition"}
# Fields of chatter and activities are not shown, because they describe no property of a record.
_MIXINS = ("mail.thread", "mail.activity.mixin")


class MailInboundDryRun(models.AbstractModel):
    """Describes the values of records, as far as the user who asks may read them."""

    _inherit = "mail.inbound.dry.run"

    def _values_of(self, record, reader) -> dict[str, Value]:
        """Return the values of a record, by field: those that are set, and that the reader may read.

        :param record: with all rights
        :param reader: the environment of the user who asks
        """
        if not record.with_env(reader).has_access("read"):
            return {}
        labels = reader[record._name].fields_get(attributes=["string"])
        fields = [record._fields[name] for name in labels if self._tells(record._fields[name])]
        texts = {field.name: self._in_words(record, field, reader) for field in fields}
        return {name: Value(labels[name]["string"], text) for name, text in texts.items() if text}

    def _tells(self, field):
        if field.name in models.MAGIC_COLUMNS or not field.store or field.type in _UNREADABLE:
            return False
        if field.compute and field.readonly:
            return False
        return not any(field.name in self.env[mixin]._fields for mixin in _MIXINS)

    def _without_defaults(self, record, values, reader):
        """Return the values without those that a new record has by default.

        :param dict values: what :meth:`_values_of` returned
        """
        bare = record.browse().new()
        return {
            name: value for name, value in values.items() if not self._is_default(record, bare, name, value, reader)
        }

    def _is_default(self, record, bare, name, value, reader):
        field = record._fields[name]
        if field.type == "datetime" and bare[name]:
            return abs(bare[name] - record[name]) < _NOW
        return self._in_words(bare, field, reader) == value.text

    def _in_words(self, record, field, reader) -> str:
        """Return the value of a field as text; empty if it has none."""
        value = record[field.name]
        if field.type == "boolean":
            return self.env._("Yes") if value else ""
        if not value:
            return ""
        if field.relational or field.type in ("reference", "many2one_reference"):
            return self._names(value, reader) if isinstance(value, models.BaseModel) else ""
        if field.type == "selection":
            return str(dict(field._description_selection(reader)).get(value, value))
        return self._text(field, value, reader)

    def _text(self, field, value, reader):
        if field.type == "date":
            return format_date(reader, value)
        if field.type == "datetime":
            return format_datetime(reader, value)
        text = html2plaintext(value, include_references=False).strip() if field.type == "html" else str(value)
        return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]} …"

    def _names(self, records, reader):
        """Return the names of records; of those that the reader may not read, only the model and the number."""
        names = [self._name_of(record, reader) for record in records[:_SHOWN_NAMES]]
        return ", ".join(names + ["…"] * (len(records) > _SHOWN_NAMES))

    def _name_of(self, record, reader):
        what = f"{reader['ir.model']._get(record._name).name} ({record._name},{record.id})"
        return self._name_if_readable(record, reader) or what

    def _name_if_readable(self, record, reader):
        """Return the name of a record; empty when the reader may not read it, or the records that its name quotes."""
        readable = record.with_env(reader)
        with suppress(AccessError):
            return readable.display_name or "" if readable.has_access("read") else ""
        return ""
