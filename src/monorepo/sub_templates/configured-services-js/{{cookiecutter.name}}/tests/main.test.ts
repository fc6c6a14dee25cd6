import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
{% if cookiecutter.example %}
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
{% else %}
import { readFile } from "node:fs/promises";
{% endif %}
import { createInterface } from "node:readline";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import manifest from "../package.json" with { type: "json" };

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Start the service on a free port; return its address and what ends it. */
async function serve(t: TestContext, env: NodeJS.ProcessEnv = {}) {
  const service = spawn(process.execPath, ["--conditions=source", main], {
    env: { ...process.env, HOST: "127.0.0.1", PORT: "0", LOG_LEVEL: "info", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => service.kill("SIGKILL"));
  const exited = once(service, "exit");
  const lines = createInterface(service.stdout)[Symbol.asyncIterator]();
  const [address = ""] = /http:\/\/[\d.:]+/.exec((await lines.next()).value ?? "") ?? [];
  const stop = () => {
    service.kill("SIGTERM");
    return exited;
  };
  return { address, stop };
}

function command(word: string, env: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, ["--conditions=source", main, word], {
    env: { ...process.env, ...env },
    encoding: "utf8",
  });
}

test("the service starts, answers and stops when it is told to", async (t) => {
  const { address, stop } = await serve(t);
  const health = await fetch(`${address}/health`);
  assert.deepEqual(await health.json(), {
    status: "ok",
    name: manifest.name,
    version: manifest.version,
  });
  assert.deepEqual(await stop(), [0, null]);
});
{% if cookiecutter.example %}

test("notes are kept in a database, once its migrations are applied", async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), "notes-"));
  t.after(() => rm(folder, { recursive: true }));
  const env = { DATABASE_URL: `sqlite:///${folder}/notes.db` };
  const { address, stop } = await serve(t, env);
  const get = async (where: string) => {
    const answer = await fetch(`${address}${where}`);
    return [answer.status, await answer.json()];
  };
  const post = (body: object) =>
    fetch(`${address}/notes`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  const [failed] = await get("/ready");
  assert.equal(failed, 503);
  assert.match(command("migrate", env).stdout, /^applied 0001_notes/);
  assert.deepEqual(await get("/ready"), [200, { status: "ok", checks: { database: "ok" } }]);

  const added = await post({ text: "hello" });
  assert.deepEqual([added.status, await added.json()], [201, { id: 1, text: "hello" }]);
  assert.deepEqual(await get("/notes"), [200, [{ id: 1, text: "hello" }]]);
  const missing = await fetch(`${address}/notes/2`);
  const invalid = await post({ text: "" });
  assert.deepEqual([missing.status, invalid.status], [404, 422]);
  for (const { headers } of [missing, invalid]) {
    assert.match(headers.get("content-type") ?? "", /^application\/problem\+json/);
  }
  assert.deepEqual(await stop(), [0, null]);
});
{% endif %}

test("README.md documents the settings; make settings updates it", async () => {
  const { stdout } = command("--settings");
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  assert.ok(readme.includes(`<!-- settings -->\n\n${stdout}\n<!-- /settings -->`));
});
