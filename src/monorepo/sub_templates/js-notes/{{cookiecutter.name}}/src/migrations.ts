import { type ColumnDefinitionBuilder, type Kysely, SqliteAdapter } from "kysely";
import type { Migration } from "kysely/migration";

/** What changes the schema, by names whose order is that in which they are applied. None is changed once it was. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001_notes": {
    up: async (db) => {
      await db.schema
        .createTable("notes")
        .addColumn("id", "integer", (column) => identity(db, column).primaryKey())
        .addColumn("text", "text", (column) => column.notNull())
        .execute();
    },
    down: async (db) => {
      await db.schema.dropTable("notes").execute();
    },
  },
};

/** Have the database number the rows. */
function identity(db: Kysely<unknown>, column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  // An integer that is the primary key is numbered by SQLite; this keeps it from using a number again.
  return db.getExecutor().adapter instanceof SqliteAdapter
    ? column.autoIncrement()
    : column.generatedAlwaysAsIdentity();
}
