"""Makes the contract importable, and lends a schema of a PostgreSQL server."""

import os
import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.register_assert_rewrite("lineage_contract")


def _server() -> str:
    url = os.environ.get("DURE_TEST_POSTGRES", "")
    if not url:
        reason = "DURE_TEST_POSTGRES is not set: run this with tools/with-postgres"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return url


@pytest.fixture
def postgres_url():
    """The URL of an empty schema, dropped afterwards."""
    import psycopg

    server = _server()
    schema = f"dure_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{schema}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {schema} CASCADE")
