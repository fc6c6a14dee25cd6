import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";
import * as service from "{{ cookiecutter.npm_name }}/service";
import { fastify } from "fastify";

test("an address that is none is told by the name of the setting, without its value", async () => {
  const settings = { databaseUrl: { reveal: () => "hidden" } };
  const message = "DATABASE_URL: should begin with sqlite:/// or postgresql://";
  assert.throws(() => service.lifespan(settings), { message });
  await assert.rejects(service.migrate(settings), { message });
});

test("a service that names the handlers keeps notes", async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), "notes-"));
  t.after(() => rm(folder, { recursive: true }));
  const settings = { databaseUrl: { reveal: () => `sqlite:///${folder}/notes.db` } };
  await using state = service.lifespan(settings);
  await assert.rejects(service.check(state));
  assert.match(await service.migrate(settings), /^applied /);
  await service.check(state);

  const context = { state };
  const { readAll, add, read } = service;
  await using app = fastify();
  app.get("/notes", { ...readAll, handler: (...call) => readAll.handler(...call, context) });
  app.post<{ Body: { text: string } }>("/notes", {
    ...add,
    handler: (...call) => add.handler(...call, context),
  });
  app.get<{ Params: { id: number } }>("/notes/:id", {
    ...read,
    handler: (...call) => read.handler(...call, context),
  });

  const payload = { text: "hello" };
  const added = await app.inject({ method: "POST", url: "/notes", payload });
  assert.deepEqual([added.statusCode, added.json()], [201, { id: 1, text: "hello" }]);
  assert.deepEqual((await app.inject("/notes")).json(), [{ id: 1, text: "hello" }]);
  assert.deepEqual((await app.inject("/notes/1")).json(), { id: 1, text: "hello" });
  assert.equal((await app.inject("/notes/2")).statusCode, 404);
  assert.equal((await app.inject({ method: "POST", url: "/notes", payload: {} })).statusCode, 400);
});
