"""Rows that count something, numbered so that two transactions at the same time can't count the same."""

from odoo.tools import SQL

from ..tools.text.indexed_text import bounded


def add_numbered(cr, table: str, counted: dict, values: dict) -> None:
    """Insert a row whose `number` is the next one among those with the same `counted`.

    Both columns of `counted` and `number` have a unique index. When another transaction takes the number meanwhile,
    PostgreSQL refuses ours (serialization failure), and whoever runs it starts again with what is there by then.

    :param counted: column -> value, none of them None
    :param values: further columns
    """
    # past the fields, which would shorten them
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
