import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFile, cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { run, slow } from "./process.ts";

const here = path.dirname(fileURLToPath(import.meta.url));

const main = `
  import { startConfigured } from "@{{ cookiecutter.namespace }}/{{ cookiecutter.name }}";
  await startConfigured(new URL("../service.json", import.meta.url), (name) => import(name));
`;
// In a program that imports this, a minute takes a second.
const clock = `data:text/javascript,${encodeURIComponent(`
  const [now, wait] = [Date.now, setTimeout];
  Date.now = () => now() * 60;
  globalThis.setTimeout = (call, ms, ...more) => wait(call, ms > 5000 ? ms / 60 : ms, ...more);
`)}`;
const every = { minute: null, hour: null, day: null, month: null, weekday: null };
const plain = {
  schema: 1,
  name: "fixture",
  port: 0,
  workers: 1,
  lifespan: null,
  checks: {},
  routes: [],
  jobs: [],
  resources: { cpu: 1, gpu: 0, npu: 0 },
  telemetry: { otel: false },
  settings: {},
};
const all = {
  ...plain,
  lifespan: "handlers:open",
  checks: { broom: "handlers:check" },
  routes: [
    { method: "GET", path: "/greet/{name}", handler: "handlers:greet" },
    { method: "HEAD", path: "/greet/{name}", handler: "handlers:nothing" },
    { method: "WEBSOCKET", path: "/greet/{name}", handler: "handlers:talk" },
    { method: "GET", path: "/files/{rest:path}", handler: "handlers/more:files" },
    { method: "POST", path: "/sizes", handler: "handlers:add" },
    { method: "WEBSOCKET", path: "/talk/{name}", handler: "handlers:talk" },
  ],
  jobs: [{ name: "sweep", handler: "handlers:sweep", cron: null, at: null }],
  settings: {
    GREETING: {
      type: "string",
      required: false,
      secret: false,
      description: "what it says",
      default: "hello",
    },
    API_KEY: { type: "string", required: false, secret: true, description: "a | key" },
  },
};

/** Make a service of a configuration, with a package of handlers; return its main.ts. */
async function make(t: TestContext, config: object): Promise<string> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "configured-")));
  t.after(() => rm(folder, { recursive: true }));
  const place = (...names: string[]) => path.join(folder, ...names);
  for (const name of ["src", "handlers", "node_modules/@acme"]) {
    await mkdir(place(name), { recursive: true });
  }
  await symlink(path.join(here, ".."), place("node_modules/@{{ cookiecutter.namespace }}/{{ cookiecutter.name }}"));
  await symlink("../handlers", place("node_modules/handlers"));
  await copyFile(path.join(here, "fixtures/handlers.ts"), place("handlers/index.ts"));
  const exports = { ".": "./index.ts", "./more": "./index.ts" };
  const written = {
    "handlers/package.json": { type: "module", exports },
    "package.json": { type: "module", version: "1.2.3", dependencies: { handlers: "workspace:*" } },
    "service.json": config,
  };
  for (const [name, content] of Object.entries(written)) {
    await writeFile(place(name), JSON.stringify(content));
  }
  await writeFile(place("src/main.ts"), main);
  return place("src/main.ts");
}

function command(file: string, words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--conditions=source", file, ...words],
    { env: { ...process.env, ...env }, encoding: "utf8" },
  );
  return [status, stdout, stderr];
}

/** Open a WebSocket, and say something; return what it answers, if anything, and how it closes. */
async function say(url: string, text: string) {
  const socket = new WebSocket(url.replace("http", "ws"));
  const closed = once(socket, "close").then(([{ code }]) => code);
  const heard = once(socket, "message").then(([{ data }]) => data);
  await Promise.race([once(socket, "open"), closed]);
  socket.send(text);
  return { socket, heard: await Promise.race([heard, closed]), closed };
}

test("routes, WebSockets, checks and settings are those of service.json", async (t) => {
  const file = await make(t, all);
  const { child, address, logged, ended } = run(t, file, { GREETING: "", API_KEY: "x-y-z" });
  const url = await address();
  const got = async (where: string, init: RequestInit = {}) => {
    const answer = await fetch(`${url}${where}`, init);
    const body = await answer.text();
    return [answer.status, body && JSON.parse(body)];
  };
  assert.deepEqual(await got("/health"), [
    200,
    { status: "ok", name: "fixture", version: "1.2.3" },
  ]);
  assert.deepEqual(await got("/ready"), [200, { status: "ok", checks: { broom: "ok" } }]);
  assert.deepEqual(await got("/greet/you%20all"), [
    200,
    { greeting: "hello, you all", key: "***" },
  ]);
  assert.equal(
    (await fetch(`${url}/greet/you`, { method: "HEAD" })).headers.get("content-length"),
    "0",
  );
  assert.deepEqual(await got("/files/a/b"), [200, { rest: "a/b" }]);
  const post = (body: object) => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.deepEqual(await got("/sizes", post({ size: 3 })), [201, { size: 3 }]);
  assert.equal((await got("/sizes", post({})))[0], 422);
  for (const where of ["/talk/you", "/nowhere"]) {
    const [status, { title }] = await got(where);
    assert.deepEqual([status, title], [404, "Not Found"]);
  }
  const { heard, socket } = await say(`${url}/greet/you`, "hi");
  socket.close();
  assert.match(String(heard), /^hello, you: hi, [0-9a-f]{32}$/);
  assert.equal((await logged(/GET \/greet\/you 101/)).status, 101);
  const { closed } = await say(`${url}/talk/you`, "hi");
  for (const where of ["/sizes", "/talk/nobody"]) {
    assert.equal((await say(`${url}${where}`, "hi")).heard, 1006);
  }
  assert.match((await logged(/secret/)).exception ?? "", /handlers.*index\.ts/);
  child.kill("SIGTERM");
  assert.equal(await closed, 1001);
  await logged(/stopping/);
  assert.deepEqual(await ended, [[0, null], "closed\n"]);
});

test("what is not there is a line for each handler", async (t) => {
  const file = await make(t, {
    ...plain,
    lifespan: "handlers:nowhere",
    checks: { other: "elsewhere:check" },
    routes: [{ method: "GET", path: "/", handler: "handlers/less:greet" }],
    jobs: [{ name: "sweep", handler: "handlers:number", at: null }],
  });
  const lines = [
    "GET /: handlers/less:greet: handlers/less cannot be found; run make install",
    "job sweep: handlers:number: is neither a function nor has a handler",
    "lifespan: handlers:nowhere: handlers exports add, check, files, greet, nothing, number, open, sweep, talk, and no nowhere",
    "check other: elsewhere:check: elsewhere is not among the dependencies; run make sync",
  ];
  assert.deepEqual(command(file, []), [1, "", lines.map((line) => `fixture: ${line}\n`).join("")]);
  const old = await make(t, { ...plain, schema: 2 });
  const what = "service.json: has form 2, and the runtime knows 1";
  const refused = `fixture: ${what}; run make sync, or update the runtime\n`;
  assert.deepEqual(command(old, []), [1, "", refused]);
});

test("a setting that the lifespan refuses is one line", async (t) => {
  const refused = "fixture: GREETING: should be kind\n";
  const file = await make(t, all);
  assert.deepEqual(command(file, [], { GREETING: "bad" }), [1, "", refused]);
});

test("a job runs by its name, with the settings, and does not serve", async (t) => {
  const file = await make(t, all);
  assert.deepEqual(command(file, ["sweep"]), [0, "swept, hello\n", ""]);
  const failed = "fixture: sweep: no broom\n";
  assert.deepEqual(command(file, ["sweep"], { GREETING: "bad" }), [1, "", failed]);
  const refused = 'fixture: "x" is no command; give one of sweep, --settings, or none to serve\n';
  assert.deepEqual(command(file, ["x"]), [2, "", refused]);
});

test("settings are documented, and all mistakes are told at once, without a value", async (t) => {
  const setting = (type: string, more: object = {}) => ({
    type,
    required: true,
    secret: false,
    description: `a ${type}`,
    ...more,
  });
  const file = await make(t, {
    ...plain,
    port: 8080,
    jobs: [{ name: "sweep", handler: "handlers:sweep", at: every }],
    settings: {
      GREETING: setting("string", { choices: ["hello", "hi"], default: "hi", required: false }),
      API_KEY: setting("string", { secret: true, default: "abc", required: false }),
      MAX_2: setting("integer"),
      RATIO: setting("number"),
      LOUD: setting("boolean", { default: false, required: false }),
      OTHER_URL: setting("url"),
      TOKEN: setting("string", { secret: true }),
    },
  });
  const [status, stdout] = command(file, ["--settings"], { GPU: "0" });
  assert.equal(status, 0);
  const rows = String(stdout).trim().split("\n");
  assert.equal(rows[3], "| `PORT` | 8080 | the port to listen on; 0 is a free one |");
  assert.deepEqual(rows.slice(9), [
    "| `GREETING` | hi | a string |",
    "| `API_KEY` | not shown | a string |",
    "| `MAX_2` | has to be set | a integer |",
    "| `RATIO` | has to be set | a number |",
    "| `LOUD` | false | a boolean |",
    "| `OTHER_URL` | has to be set | a url |",
    "| `TOKEN` | has to be set | a string |",
  ]);
  const bad = {
    WORKERS: "2",
    GREETING: "x-y-z",
    MAX_2: "x-y-z",
    RATIO: "0x1",
    LOUD: "x-y-z",
    OTHER_URL: "x-y-z",
  };
  const lines = [
    "WORKERS: should be 1: jobs run on a schedule",
    "GREETING: should be hello or hi",
    "MAX_2: should be a whole number",
    "RATIO: should be a number",
    "LOUD: should be true or false",
    "OTHER_URL: should be an address such as http://127.0.0.1:8000",
    "TOKEN: is not set",
  ];
  const told = lines.map((line) => `fixture: ${line}\n`).join("");
  assert.deepEqual(command(file, ["sweep"], bad), [1, "", told]);
  const good = { MAX_2: "-7", RATIO: "1e-3", LOUD: "Yes", OTHER_URL: "http://x/", TOKEN: "t" };
  assert.deepEqual(command(file, ["sweep"], good), [0, "swept, hi\n", ""]);
});

test("without what it needs, a service says so and does nothing", async (t) => {
  const file = await make(t, { ...all, resources: { cpu: 1000, gpu: 2, npu: 1 } });
  const env = { GPU: "true", NPU: "false" };
  const lacks = [
    `needs 1000 cpu, this machine has ${availableParallelism()}`,
    "needs 2 gpu, this machine has 1 (GPU=<n> overrides what is found)",
    "needs 1 npu, this machine has 0 (NPU=<n> overrides what is found)",
  ];
  for (const words of [[], ["sweep"]]) {
    const skipped = [0, "", `fixture: skipped: ${lacks.join(", ")}\n`];
    assert.deepEqual(command(file, words, env), skipped);
  }
  assert.equal(command(file, ["--settings"], env)[2], "");
  const there = await make(t, { ...all, resources: { cpu: 1, gpu: 2, npu: 1 } });
  assert.equal(command(there, ["sweep"], { GPU: "2", NPU: "1" })[1], "swept, hello\n");
});

test("without @fastify/websocket a WebSocket is one line, and other routes need nothing", async (t) => {
  const copied = async (routes: readonly object[]) => {
    const file = await make(t, { ...plain, routes });
    const link = path.join(file, "../../node_modules/@{{ cookiecutter.namespace }}/{{ cookiecutter.name }}");
    const package_ = path.join(here, "..");
    await rm(link);
    for (const name of ["src", "package.json"]) {
      await cp(path.join(package_, name), path.join(file, "../../runtime", name), {
        recursive: true,
      });
    }
    await symlink("../../runtime", link);
    await symlink(
      await realpath(path.join(package_, "node_modules/fastify")),
      path.join(file, "../../node_modules/fastify"),
    );
    return file;
  };
  const socket = await copied([{ method: "WEBSOCKET", path: "/x", handler: "handlers:talk" }]);
  const needed = "fixture: WebSockets need @fastify/websocket; add it to package.json\n";
  assert.deepEqual(command(socket, []), [1, "", needed]);
  const route = await copied([{ method: "GET", path: "/x", handler: "handlers:nothing" }]);
  const { child, address, ended } = run(t, route);
  assert.equal((await fetch(`${await address()}/x`)).status, 200);
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [[0, null], ""]);
});

test("a job that runs at the end is waited for", slow, async (t) => {
  const file = await make(t, {
    ...all,
    routes: [],
    jobs: [{ name: "sweep", handler: "handlers:sweep", at: every }],
  });
  const env = { JOB_MS: "2500", SHUTDOWN_TIMEOUT: "600", NODE_OPTIONS: `--import=${clock}` };
  const { child, logged, ended } = run(t, file, env);
  await logged(/still runs/);
  child.kill("SIGTERM");
  const { job, duration_ms, request_id } = await logged(/^job sweep done$/);
  assert.equal(job, "sweep");
  assert.ok(Number(duration_ms) > 2000);
  assert.match(String(request_id), /^[0-9a-f]{32}$/);
  assert.deepEqual(await ended, [[0, null], "closed\n"]);
});
