"""Turns what SQLAlchemy raises into what a user can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from dure.errors import LineageError
from dure.lineage.records import ChangeError

# PostgreSQL's codes: serialization failure and deadlock; and the class "program limit exceeded".
_PASSING = ("40001", "40P01")
_LIMITS = "54"


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Raise `LineageError` in place of an exception of SQLAlchemy.

    Parameters
    ----------
    where : str
        The database's name in messages.

    Raises
    ------
    ChangeError
        When the database will never take these values.
    LineageError
        When the database cannot be used.
    """
    try:
        yield
    except (DataError, IntegrityError) as error:
        raise _refused(where, error) from error
    except DBAPIError as error:
        if _code(error).startswith(_LIMITS):
            raise _refused(where, error) from error
        raise _unusable(where, error) from error
    except SQLAlchemyError as error:
        raise _unusable(where, error) from error


def passing(error: DBAPIError) -> bool:
    """Return whether the same transaction may succeed when it is tried again at once."""
    return error.connection_invalidated or _code(error) in _PASSING


def _code(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def _first_line(error: SQLAlchemyError) -> str:
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0]


def _refused(where: str, error: SQLAlchemyError) -> ChangeError:
    return ChangeError(
        f"{where} does not take this change",
        expected="values that its columns can hold",
        got=_first_line(error),
        fix="shorten what is too long, or report this",
    )


_FIXES = {
    "malformed": "move the file away; 'sqlite3 FILE .recover' saves what can be read",
    "not a database": "move the file away, or name another",
    "readonly": "give this user the right to write to the file and its folder",
    "read-only": "give this user the right to write to the file and its folder",
    "unable to open": "check the path and its permissions",
    "disk is full": "make room on the disk",
    "disk i/o": "check the disk: its room, its quota, its health",
    "locked": "another process holds the database; try again when it has ended",
    "connection": "check that the server runs and can be reached",
    "authentication": "check the user and the password in the URL",
}


def _unusable(where: str, error: SQLAlchemyError) -> LineageError:
    got = _first_line(error)
    hints = (fix for word, fix in _FIXES.items() if word in got.lower())
    return LineageError(
        f"{where} cannot be used",
        expected="a database that can be read and written",
        got=got,
        fix=next(hints, "check the database, or name another"),
    )
