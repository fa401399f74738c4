"""The warehouse of a small shop: SQLite, in memory."""

import sqlite3
from contextlib import closing

Row = dict[str, object]


def select(query: str, **tables: list[Row]) -> list[Row]:
    """Answer the rows that the query finds in the tables."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.row_factory = sqlite3.Row
        for name, rows in tables.items():
            columns = list(rows[0])
            database.execute(f"create table {name} ({', '.join(columns)})")
            marks = ", ".join("?" * len(columns))
            database.executemany(f"insert into {name} values ({marks})", [tuple(row.values()) for row in rows])
        return [dict(row) for row in database.execute(query)]
