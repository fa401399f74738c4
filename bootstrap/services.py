"""Databases of our own on the PostgreSQL and Redis of a CI machine, and their end.

services.py open NAME     makes them, and prints what a shell has to export
services.py close NAME    drops them, and every test database that was made beside them
"""

import os
import sys

import psycopg
import redis
from psycopg import sql

POSTGRES = os.environ.get("CI_POSTGRES", "postgres://postgres@127.0.0.1:5432")
REDIS = os.environ.get("CI_REDIS", "redis://127.0.0.1:6379")
MARK = "lastgood-ci"


def open_services(name: str) -> None:
    """Make a database on each server, and print how to reach them."""
    with _postgres() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    number = _claim_empty_redis(name)
    print(f"export DATABASE_URL={POSTGRES}/{name} REDIS_URL={REDIS}/{number} CI_REDIS_CLAIMED={number}")


def close_services(name: str) -> None:
    """Drop what `open` made, and what pytest-django made beside it: one database for each of its processes."""
    with _postgres() as connection:
        ours = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) OR starts_with(datname, %s)"
        for (database,) in connection.execute(ours, [name, f"test_{name}"]).fetchall():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
    # A test may have emptied its database, and the mark with it: then the number is known from the environment.
    claimed = os.environ.get("CI_REDIS_CLAIMED")
    for number in range(1, 16):
        with redis.Redis.from_url(f"{REDIS}/{number}") as client:
            if str(number) == claimed or client.get(MARK) == name.encode():
                client.flushdb()


def _postgres() -> psycopg.Connection[tuple[str, ...]]:
    return psycopg.connect(f"{POSTGRES}/postgres", autocommit=True, connect_timeout=10)


def _claim_empty_redis(name: str) -> int:
    """Put our mark into a database that holds nothing else, and answer its number."""
    for number in range(15, 0, -1):
        with redis.Redis.from_url(f"{REDIS}/{number}") as client:
            # The mark makes it look taken to others at once; whoever finds more than the mark steps back.
            if client.dbsize() == 0 and client.set(MARK, name, nx=True):
                return number
    sys.exit("Every database of the Redis server holds something: none is free for the tests.")


def main() -> None:
    """Do what the command line says, or end with one sentence."""
    act = {"open": open_services, "close": close_services}[sys.argv[1]]
    try:
        act(sys.argv[2])
    except psycopg.OperationalError as error:
        sys.exit(f"PostgreSQL does not answer at 127.0.0.1:5432 (user postgres). Is it running? {error}")
    except redis.ConnectionError as error:
        sys.exit(f"Redis does not answer at 127.0.0.1:6379. Is it running? {error}")


if __name__ == "__main__":
    main()
