"""Rows that count something, with numbers that prevent two transactions from counting the same at the same time."""

from odoo.tools import SQL

from ..tools.text.indexed_text import bounded


def add_numbered(cr, table: str, counted: dict, values: dict) -> None:
    """Insert a row whose `number` is the next one among those with the same `counted`.

    The columns of `counted` and `number` together have a unique index. When another transaction takes the number
    meanwhile, PostgreSQL refuses ours (serialization failure). Odoo then repeats our transaction, which sees the new row.

    :param counted: column -> value, none of them None
    :param values: further columns
    """
    # shortened here, because the statement bypasses the fields, which would do so
    counted, values = (
        {column: bounded(value) if isinstance(value, str) else value for column, value in each.items()}
        for each in (counted, values)
    )
    where = SQL(" AND ").join(SQL("%s = %s", SQL.identifier(column), value) for column, value in counted.items())
    columns = {**counted, **values}
    cr.execute(
        SQL(
            "INSERT INTO %(table)s (number, create_date, %(columns)s)"
            " SELECT coalesce(max(number), 0) + 1, now() AT TIME ZONE 'UTC', %(values)s FROM %(table)s WHERE %(where)s"
            " ON CONFLICT DO NOTHING",
            table=SQL.identifier(table),
            columns=SQL(", ").join(map(SQL.identifier, columns)),
            values=SQL(", ").join(SQL("%s", value) for value in columns.values()),
            where=where,
        )
    )
