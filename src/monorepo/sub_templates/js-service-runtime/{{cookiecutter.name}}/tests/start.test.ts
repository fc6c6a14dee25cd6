import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

interface Line {
  readonly name: string;
  readonly level: number;
  readonly msg: string;
  readonly err?: { readonly message: string; readonly stack: string };
}

function run(t: TestContext, file: string, env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ["--conditions=source", file], {
    env: { ...process.env, HOST: "", PORT: "", LOG_LEVEL: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();

  /** Read the log up to the first message that matches. */
  async function logged(pattern: RegExp): Promise<Line> {
    for (;;) {
      const { value, done } = await lines.next();
      assert.ok(!done, `the log ended without ${pattern}`);
      const line: Line = JSON.parse(value);
      assert.equal(line.name, "fixture");
      if (pattern.test(line.msg)) return line;
    }
  }

  return {
    child,
    logged,
    address: async () => (await logged(/listening/)).msg.replace(/.*(?=http:)/, ""),
    ended: Promise.all([once(child, "exit"), text(child.stderr)]),
  };
}

const service = path.join(here, "fixtures/service.ts");

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} lets requests in flight finish, then the service ends with 0`, async (t) => {
    const { child, address, logged, ended } = run(t, service, { SLOW_MS: "300" });
    const url = await address();
    const health = await fetch(`${url}/health`);
    assert.deepEqual(await health.json(), { status: "ok", name: "fixture" });

    const slow = fetch(`${url}/slow`);
    await logged(/slow request began/);
    child.kill(signal);
    assert.equal(await (await slow).text(), "finished");
    assert.deepEqual(await ended, [[0, null], ""]);
  });
}

test("a request that takes too long is cut off", async (t) => {
  const { child, address, logged, ended } = run(t, service, { SLOW_MS: "60000" });
  const slow = fetch(`${await address()}/slow`);
  await logged(/slow request began/);
  child.kill("SIGTERM");
  await assert.rejects(slow);
  await logged(/not done 1 s after SIGTERM/);
  assert.deepEqual(await ended, [[1, null], ""]);
});

test("the text of a fault is in the log, and not in the answer", async (t) => {
  const { child, address, logged, ended } = run(t, service);
  const url = await address();
  for (const [path, statusCode, error] of [
    ["broken", 500, "Internal Server Error"],
    ["unavailable", 503, "Service Unavailable"],
  ] as const) {
    const answer = await fetch(`${url}/${path}`);
    assert.equal(answer.status, statusCode);
    assert.deepEqual(await answer.json(), { statusCode, error, message: error });
    assert.match(JSON.stringify((await logged(/request failed/)).err), /secret/);
  }
  const refused = await fetch(`${url}/refused`);
  assert.equal(refused.status, 422);
  assert.equal(((await refused.json()) as { message: string }).message, "no such size");
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [[0, null], ""]);
});

for (const path of ["thrown", "rejected"]) {
  test(`an error that nobody handles is logged and ends the service in order: ${path}`, async (t) => {
    const { address, logged, ended } = run(t, service, { SLOW_MS: "300" });
    const url = await address();
    const slow = fetch(`${url}/slow`);
    await logged(/slow request began/);
    assert.equal(await (await fetch(`${url}/${path}`)).text(), "accepted");
    const { level, err } = await logged(/unhandled error/);
    assert.equal(level, 60);
    assert.match(err?.stack ?? "", /nobody handles this\n.*service\.ts/);
    assert.equal(await (await slow).text(), "finished");
    assert.deepEqual(await ended, [[1, null], ""]);
  });
}

test("an error that nobody handles does not wait for ever", async (t) => {
  const { address, logged, ended } = run(t, service, { SLOW_MS: "60000" });
  const url = await address();
  const slow = fetch(`${url}/slow`);
  await logged(/slow request began/);
  await fetch(`${url}/thrown`);
  await assert.rejects(slow);
  await logged(/not done 1 s after an unhandled error/);
  assert.deepEqual(await ended, [[1, null], ""]);
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

test("a bad environment is one line", async (t) => {
  const [exit, stderr] = await run(t, service, { PORT: "x", LOG_LEVEL: "y" }).ended;
  assert.match(stderr, /^fixture: PORT=x .*; LOG_LEVEL=y .*\n$/);
  assert.deepEqual(exit, [1, null]);
});

test("without fastify the error says what to install", async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), "no-fastify-"));
  t.after(() => rm(folder, { recursive: true }));
  await cp(path.join(here, "../src"), folder, { recursive: true });
  const [exit, stderr] = await run(t, path.join(folder, "index.ts")).ended;
  assert.match(stderr, /needs fastify: run `pnpm add fastify`/);
  assert.deepEqual(exit, [1, null]);
});
