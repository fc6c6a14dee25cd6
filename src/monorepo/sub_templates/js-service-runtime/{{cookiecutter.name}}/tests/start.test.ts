import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { run, service, slow } from "./process.ts";

const here = path.dirname(fileURLToPath(import.meta.url));

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} lets requests in flight finish, then the service ends with 0`, async (t) => {
    const { child, address, logged, ended } = run(t, service, { SLOW_MS: "300" });
    const url = await address();
    const health = await fetch(`${url}/health`);
    assert.deepEqual(await health.json(), { status: "ok", name: "fixture", version: "1.2.3" });
    assert.equal((await fetch(`${url}/health`, { method: "HEAD" })).status, 200);

    const slow = fetch(`${url}/slow`);
    await logged(/slow request began/);
    child.kill(signal);
    await logged(/^stopping$/);
    // As a supervisor does that signals the group and then each process.
    child.kill("SIGTERM");
    assert.equal(await (await slow).text(), "finished");
    assert.deepEqual(await ended, [[0, null], ""]);
  });
}

test("a request that takes too long is cut off", slow, async (t) => {
  const { child, address, logged, ended } = run(t, service, {
    SLOW_MS: "60000",
    SHUTDOWN_TIMEOUT: "1",
  });
  const slow = fetch(`${await address()}/slow`);
  await logged(/slow request began/);
  child.kill("SIGTERM");
  await assert.rejects(slow);
  await logged(/not done 1 s after SIGTERM/);
  assert.deepEqual(await ended, [[1, null], ""]);
});

/** Return an answer with a problem, without the id of its request, which is in the headers as well. */
async function problem(answer: Response): Promise<Record<string, unknown>> {
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/);
  const { request_id, type, ...rest } = (await answer.json()) as Record<string, unknown>;
  assert.equal(request_id, answer.headers.get("x-request-id"));
  assert.equal(type, "about:blank");
  return rest;
}

test("an error is a problem, and the text of a fault is in the log alone", async (t) => {
  const { child, address, logged, ended } = run(t, service);
  const url = await address();
  for (const [path, status, title] of [
    ["broken", 500, "Internal Server Error"],
    ["unavailable", 503, "Service Unavailable"],
    ["elsewhere", 500, "Internal Server Error"],
  ] as const) {
    const answer = await fetch(`${url}/${path}`);
    assert.equal(answer.headers.get("x-key"), null);
    assert.deepEqual(await problem(answer), { title, status });
    const { exception, level } = await logged(/request failed/);
    assert.match(exception ?? "", /secret/);
    assert.equal(level, "ERROR");
  }
  assert.deepEqual(await problem(await fetch(`${url}/refused`)), {
    title: "Unprocessable Content",
    status: 422,
    detail: "no such size",
  });
  assert.deepEqual(await problem(await fetch(`${url}/nowhere`)), {
    title: "Not Found",
    status: 404,
  });
  assert.deepEqual(await problem(await fetch(`${url}/%zz`)), {
    title: "Bad Request",
    status: 400,
    detail: "'/%zz' is not a valid url component",
  });
  const send = (query: string, body: string, type = "application/json") =>
    fetch(`${url}/sizes/1${query}`, { method: "POST", headers: { "content-type": type }, body });
  const invalid = await problem(await send("", '{"size": "secret"}'));
  assert.deepEqual(
    [invalid.status, invalid.errors],
    [422, [{ in: "body", pointer: "#/age", detail: "must have required property 'age'" }]],
  );
  const { errors } = await problem(await send("?page=secret", '{"age": 1}'));
  assert.deepEqual(errors, [{ in: "query", pointer: "#/page", detail: "must be integer" }]);
  assert.equal((await problem(await send("", "{"))).status, 400);
  assert.equal((await problem(await send("", "x", "text/csv"))).status, 415);
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [[0, null], ""]);
});

test("a request has an id, which is taken up, logged and passed on", async (t) => {
  const other = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  t.after(() => other.close());
  await once(other.listen(0, "127.0.0.1"), "listening");
  const OTHER_URL = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const { address, logged } = run(t, service, { OTHER_URL });
  const url = await address();
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const traceparent = `00-${trace}-b7ad6b7169203331-01`;

  const given = await fetch(`${url}/relayed?key=secret`, {
    headers: { "x-request-id": "mine-7", traceparent, tracestate: "a=1" },
  });
  assert.equal(given.headers.get("x-request-id"), "mine-7");
  const passed = (await given.json()) as Record<string, string>;
  assert.deepEqual(
    [passed["x-request-id"], passed.traceparent, passed.tracestate, passed["x-own"]],
    ["mine-7", traceparent, "a=1", "1"],
  );
  const { request_id, trace_id, method, path, status } = await logged(/^GET \/relayed 200$/);
  assert.deepEqual(
    { request_id, trace_id, method, path, status },
    { request_id: "mine-7", trace_id: trace, method: "GET", path: "/relayed", status: 200 },
  );

  const traced = await fetch(`${url}/own`, { headers: { "x-request-id": "a b", traceparent } });
  assert.equal(traced.headers.get("x-request-id"), trace);
  const plain = await fetch(`${url}/own`, { headers: { traceparent: "00-x" } });
  assert.match(plain.headers.get("x-request-id") ?? "", /^[0-9a-f]{32}$/);
  assert.deepEqual(await plain.json(), { greeting: "hello", key: "***" });
});

test("it is ready when all checks pass, and until it is to stop", async (t) => {
  const { child, address, logged, ended } = run(t, service, { SHUTDOWN_DELAY: "1" });
  const url = await address();
  const ready = await fetch(`${url}/ready`);
  assert.deepEqual(
    [ready.status, await ready.json()],
    [200, { status: "ok", checks: { database: "ok", cache: "ok" } }],
  );
  child.kill("SIGTERM");
  await logged(/^stopping$/);
  const last = await fetch(`${url}/ready`);
  assert.deepEqual([last.status, await last.json()], [503, { status: "stopping", checks: {} }]);
  assert.equal(last.headers.get("connection"), "close");
  assert.equal((await fetch(`${url}/own`)).status, 200);
  assert.deepEqual(await ended, [[0, null], ""]);
});

test("a check that fails or takes too long is told, and its reason is logged", async (t) => {
  const { address, logged } = run(t, service, { DATABASE: "down", CACHE: "slow" });
  const answer = await fetch(`${await address()}/ready`);
  assert.deepEqual(
    [answer.status, await answer.json()],
    [503, { status: "failed", checks: { database: "failed", cache: "failed" } }],
  );
  assert.match((await logged(/check database failed/)).exception ?? "", /secret/);
  assert.match((await logged(/check cache failed/)).exception ?? "", /more than 2 s/);
});

for (const path of ["thrown", "rejected"]) {
  test(`an error that nobody handles is logged and ends the service in order: ${path}`, async (t) => {
    const { address, logged, ended } = run(t, service, { SLOW_MS: "300" });
    const url = await address();
    const slow = fetch(`${url}/slow`);
    await logged(/slow request began/);
    assert.equal(await (await fetch(`${url}/${path}`)).text(), "accepted");
    const { level, exception } = await logged(/unhandled error/);
    assert.equal(level, "CRITICAL");
    assert.match(exception ?? "", /nobody handles this\n.*service\.ts/);
    assert.equal(await (await slow).text(), "finished");
    assert.deepEqual(await ended, [[1, null], ""]);
  });
}

test("an error that nobody handles does not wait for ever", slow, async (t) => {
  const { address, logged, ended } = run(t, service, { SLOW_MS: "60000", SHUTDOWN_TIMEOUT: "1" });
  const url = await address();
  const slow = fetch(`${url}/slow`);
  await logged(/slow request began/);
  await fetch(`${url}/thrown`);
  await assert.rejects(slow);
  await logged(/not done 1 s after an unhandled error/);
  assert.deepEqual(await ended, [[1, null], ""]);
});

test("what a caller logs takes the place of nothing that each line has", async (t) => {
  const { address, logged } = run(t, service);
  await fetch(`${await address()}/told`, { headers: { "x-request-id": "mine" } });
  const { level, more, request_id } = await logged(/^told$/);
  assert.deepEqual([level, more, request_id], ["INFO", 1, "mine"]);
});

test("a service that has nothing to finish needs no time for it", async (t) => {
  const { child, address, ended } = run(t, service, { SHUTDOWN_TIMEOUT: "0" });
  await address();
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [[0, null], ""]);
});

test("a service that is told to stop while it starts does not start", slow, async (t) => {
  const { child, logged, ended } = run(t, service, { CONFIGURE_MS: "300" });
  await logged(/configuring/);
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [[0, null], ""]);
});

test("a taken port is one line", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  t.after(() => other.close());
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const [exit, stderr] = await run(t, service, { PORT: `${port}` }).ended;
  const sentence = `port ${port} is taken on 127.0.0.1; stop what listens there or set PORT`;
  assert.equal(stderr, `fixture: ${sentence}\n`);
  assert.deepEqual(exit, [1, null]);
});

test("an address of another machine is one line", async (t) => {
  const [exit, stderr] = await run(t, service, { HOST: "192.0.2.1" }).ended;
  assert.match(stderr, /^fixture: .*192\.0\.2\.1.*; set HOST and PORT .*\n$/);
  assert.deepEqual(exit, [1, null]);
});

test("a bad environment is a line for each variable", async (t) => {
  const env = { PORT: "x", LOG_LEVEL: "y", API_KEY: "" };
  const [exit, stderr] = await run(t, service, env).ended;
  const lines = [
    "PORT: should be a whole number",
    "LOG_LEVEL: should be DEBUG, INFO, WARNING, ERROR or CRITICAL",
    "API_KEY: is not set",
  ];
  assert.equal(stderr, lines.map((line) => `fixture: ${line}\n`).join(""));
  assert.deepEqual(exit, [1, null]);
});

test("a command runs instead, with the settings, and tells in one line what it did", () => {
  const command = (words: string[], env: NodeJS.ProcessEnv = {}) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["--conditions=source", service, ...words],
      { env: { ...process.env, API_KEY: "x-y-z", ...env }, encoding: "utf8" },
    );
    return [status, stdout, stderr];
  };
  assert.deepEqual(command(["greet"], { GREETING: "hi" }), [0, "it says hi\n", ""]);
  assert.deepEqual(command(["fail"]), [1, "", "fixture: fail: no answer\n"]);
  assert.deepEqual(command(["connect"]), [1, "", "fixture: connect: ECONNREFUSED\n"]);
  const invalid = "fixture: PORT: should be a whole number\n";
  assert.deepEqual(command(["greet"], { PORT: "x" }), [1, "", invalid]);
  for (const words of [["toString"], ["greet", "x"]]) {
    const what = `"${words.join(" ")}" is no command`;
    const known = "greet, fail, connect, --settings";
    const refused = `fixture: ${what}; give one of ${known}, or none to serve\n`;
    assert.deepEqual(command(words), [2, "", refused]);
  }
});

test("without fastify the error says what to install", async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), "no-fastify-"));
  t.after(() => rm(folder, { recursive: true }));
  await cp(path.join(here, "../src"), folder, { recursive: true });
  const [exit, stderr] = await run(t, path.join(folder, "index.ts")).ended;
  assert.match(stderr, /needs fastify; add "fastify": "catalog:" .* and run make lock/);
  assert.deepEqual(exit, [1, null]);
});
