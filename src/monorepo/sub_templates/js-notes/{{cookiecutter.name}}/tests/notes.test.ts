import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { checkSchema, checkUrl, connect, migrate, routes } from "{{ cookiecutter.npm_name }}";
import { fastify } from "fastify";
import { sql } from "kysely";
import { migrations } from "../src/migrations.ts";

const { POSTGRES_URL } = process.env;
const withoutPostgres = !POSTGRES_URL && "needs a server, whose address is in POSTGRES_URL";

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "notes-"));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

// Each makes a new database, and returns its URL.
const kinds = {
  SQLite: async (t: TestContext) => `sqlite:///${await temporary(t)}/notes.db`,
  Postgres: async (t: TestContext) => {
    const name = `notes_${randomUUID().replaceAll("-", "")}`;
    const server = connect(String(POSTGRES_URL));
    await sql`create database ${sql.id(name)}`.execute(server);
    t.after(async () => {
      await sql`drop database ${sql.id(name)}`.execute(server);
      await server.destroy();
    });
    return Object.assign(new URL(String(POSTGRES_URL)), { pathname: name }).href;
  },
};

for (const [kind, create] of Object.entries(kinds)) {
  const skip = kind === "Postgres" && withoutPostgres;

  test(`${kind}: notes are added, listed and found`, { skip }, async (t) => {
    const url = await create(t);
    await migrate(url);
    await using db = connect(url);
    await using app = fastify();
    app.register(routes, { db });
    const post = (payload: object) => app.inject({ method: "POST", url: "/notes", payload });

    assert.deepEqual((await app.inject("/notes")).json(), []);
    const added = await post({ text: "hello" });
    assert.deepEqual([added.statusCode, added.json()], [201, { id: 1, text: "hello" }]);
    // A character may be two code units.
    const long = "😀".repeat(1000);
    assert.deepEqual((await post({ text: long })).json(), { id: 2, text: long });
    assert.deepEqual((await app.inject("/notes/1")).json(), { id: 1, text: "hello" });
    assert.equal((await app.inject("/notes/3")).statusCode, 404);

    for (const body of [{}, { text: "" }, { text: `${long}x` }, { text: "\0" }, { text: [] }]) {
      assert.equal((await post(body)).statusCode, 400, JSON.stringify(body));
    }
    for (const id of ["x", "0", "1.5", "2147483648"]) {
      assert.equal((await app.inject(`/notes/${id}`)).statusCode, 400, id);
    }
    assert.deepEqual((await app.inject("/notes")).json(), [
      { id: 1, text: "hello" },
      { id: 2, text: long },
    ]);
  });

  test(`${kind}: migrations are applied once, and all or none`, { skip }, async (t) => {
    const url = await create(t);
    await using db = connect(url);
    await assert.rejects(checkSchema(db));
    const all = Object.keys(migrations).join(", ");
    assert.equal(await migrate(url), `applied ${all}`);
    assert.equal(await migrate(url), "the schema is the newest");
    await checkSchema(db);

    await sql`delete from kysely_migration`.execute(db);
    await assert.rejects(checkSchema(db), { message: `not applied: ${all}` });
    await sql`drop table notes`.execute(db);
    const up = (text: string) => async (on: typeof db) => {
      await sql.raw(text).execute(on);
    };
    const broken = {
      "0001_fine": { up: up("create table notes (id integer)") },
      "0002_broken": { up: up("create nonsense") },
    };
    await assert.rejects(migrate(url, broken), /^Error: 0002_broken: .*syntax error/);
    assert.equal(await migrate(url), `applied ${all}`);
  });
}

test("Postgres: a connection that breaks is replaced", { skip: withoutPostgres }, async () => {
  await using db = connect(String(POSTGRES_URL));
  await using other = connect(String(POSTGRES_URL));
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
  await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(other);
  // By then, it was told that the connection is gone, while nobody used it.
  await sleep(200);
  await assert.doesNotReject(sql`select 1`.execute(db));
});

test("a URL is one of SQLite or Postgres, and no error shows it", () => {
  for (const url of ["sqlite:///a b.db", "postgresql://a:b@c/d", "postgres://c/d"]) {
    checkUrl(url);
  }
  for (const url of ["", "sqlite://", "sqlite:///", "mysql://a:b@c/d", "postgresql://a:b@c:x"]) {
    const message = "should begin with sqlite:/// or postgresql://";
    assert.throws(() => checkUrl(url), { message }, url);
  }
});

test("without pg the error says what to install", async (t) => {
  const folder = await temporary(t);
  await cp(fileURLToPath(new URL("../src", import.meta.url)), folder, { recursive: true });
  await mkdir(path.join(folder, "node_modules"));
  const kysely = fileURLToPath(new URL("..", import.meta.resolve("kysely")));
  await symlink(kysely, path.join(folder, "node_modules/kysely"));
  const code = `
    import { migrate } from "${folder}/index.ts";
    await migrate("postgresql://127.0.0.1/x");
  `;
  const { stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", code], {
    encoding: "utf8",
  });
  assert.match(stderr, /needs pg for Postgres; add "pg": "catalog:" .* and run make lock/);
});
