"""What Alembic runs to reach the database."""

import os

from alembic import context

from {{ cookiecutter.import_name }}.store import DEFAULT_URL, Base, connect


def migrate() -> None:
    """Run migrations with the connection that is given, else in the database of DATABASE_URL."""
    if connection := context.config.attributes.get("connection"):
        context.configure(connection=connection, target_metadata=Base.metadata)
        with context.begin_transaction():
            context.run_migrations()
        return
    with connect(os.environ.get("DATABASE_URL") or DEFAULT_URL).begin() as connection:
        context.config.attributes["connection"] = connection
        migrate()


# The name that Alembic gives to this module: whoever imports it has no migrations to run.
if __name__ == "env_py":
    migrate()
