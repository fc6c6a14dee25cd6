import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import {
  type Dialect,
  type Generated,
  Kysely,
  PostgresDialect,
  type PostgresPool,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
} from "kysely";
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from "kysely/migration";
import { migrations } from "./migrations.ts";

/** The tables. */
export interface Database {
  readonly notes: { readonly id: Generated<number>; readonly text: string };
  readonly [DEFAULT_MIGRATION_TABLE]: { readonly name: string };
}

const CONNECT_MS = 5000;

/**
 * Connect to the database at a URL: `sqlite:///notes.db`, a path from the working folder, or
 * `postgresql://user@host/name`. Nothing is opened before the first query; `destroy` closes it.
 * Throws an error if the URL is neither.
 */
export function connect(url: string): Kysely<Database> {
  return new Kysely({ dialect: dialect(url) });
}

/** Throw an error, which has nothing of the URL, if `connect` would. */
export function checkUrl(url: string): void {
  dialect(url);
}

/** A setting of a service, as its runtime's `secret` takes it: what it is, its default and its check. */
export const databaseUrl = [
  "the database; for development `sqlite:///notes.db` in this folder",
  "sqlite:///notes.db",
  checkUrl,
] as const;

/** A note that is kept. */
export interface Note {
  readonly id: number;
  readonly text: string;
}

/** Return all notes, the oldest first. */
export function readAll(db: Kysely<Database>): Promise<Note[]> {
  return db.selectFrom("notes").select(["id", "text"]).orderBy("id").execute();
}

/** Return a note; undefined if there is none with that id. */
export function read(db: Kysely<Database>, id: number): Promise<Note | undefined> {
  return db.selectFrom("notes").select(["id", "text"]).where("id", "=", id).executeTakeFirst();
}

/** Keep a note. */
export function add(db: Kysely<Database>, text: string): Promise<Note> {
  return db
    .insertInto("notes")
    .values({ text })
    .returning(["id", "text"])
    .executeTakeFirstOrThrow();
}

/** Reject unless the database answers and has the newest schema. */
export async function checkSchema(db: Kysely<Database>): Promise<void> {
  const applied = await db.selectFrom(DEFAULT_MIGRATION_TABLE).select("name").execute();
  const names = new Set(applied.map(({ name }) => name));
  const missing = Object.keys(migrations).filter((name) => !names.has(name));
  if (missing.length > 0) throw new Error(`not applied: ${missing.join(", ")}`);
}

/**
 * Apply the migrations that the database at a URL lacks, by default those of this package; return
 * a sentence about it. All are applied, or none: then it rejects.
 */
export async function migrate(
  url: string,
  all: Readonly<Record<string, Migration>> = migrations,
): Promise<string> {
  await using db = connect(url);
  const provider = { getMigrations: async () => ({ ...all }) };
  const { error, results = [] } = await new Migrator({ db, provider }).migrateToLatest();
  if (error) {
    const failed = results.find(({ status }) => status === "Error")?.migrationName;
    throw failed ? new Error(`${failed}: ${(error as Error).message}`, { cause: error }) : error;
  }
  const names = results.map(({ migrationName }) => migrationName);
  return names.length > 0 ? `applied ${names.join(", ")}` : "the schema is the newest";
}

function dialect(url: string): Dialect {
  const [, path] = /^sqlite:\/\/\/(.+)$/.exec(url) ?? [];
  if (path !== undefined) return new TransactionalSqlite({ database: async () => sqlite(path) });
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) {
    return new PostgresDialect({ pool: () => postgres(url) });
  }
  throw new Error("should begin with sqlite:/// or postgresql://");
}

/** A migration of SQLite that fails leaves nothing, as one of Postgres. */
class TransactionalSqlite extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new (class extends SqliteAdapter {
      override get supportsTransactionalDdl(): boolean {
        return true;
      }
    })();
  }
}

/** Open the SQLite of Node as what Kysely knows, better-sqlite3. */
function sqlite(path: string): SqliteDatabase {
  const db = new DatabaseSync(path, { timeout: CONNECT_MS });
  // Who reads does not wait for who writes.
  db.exec("pragma journal_mode = wal");
  return {
    close: () => db.close(),
    prepare: (sql) => {
      const statement = db.prepare(sql);
      const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[];
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...values(parameters)),
        run: (parameters) => statement.run(...values(parameters)),
        iterate: (parameters) => statement.iterate(...values(parameters)),
      };
    },
  };
}

/** pg is an optional peer dependency: who uses Postgres chooses its version. */
async function postgres(connectionString: string): Promise<PostgresPool> {
  const { default: pg } = await import("pg").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ERR_MODULE_NOT_FOUND" || !error.message.includes("'pg'")) throw error;
    throw new Error(
      '{{ cookiecutter.npm_name }} needs pg for Postgres; add "pg": "catalog:" to the dependencies in your package.json and run make lock',
      { cause: error },
    );
  });
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: CONNECT_MS });
  // A connection that breaks while nobody uses it is replaced; without a listener, it would end the process.
  pool.on("error", () => {});
  return pool;
}
