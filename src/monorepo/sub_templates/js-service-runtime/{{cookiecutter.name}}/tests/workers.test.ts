import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { run, service, slow } from "./process.ts";

/** Ask again and again until nobody listens; return what was lost. */
async function ask(url: string): Promise<string[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const lost: string[] = [];
  for (;;) {
    try {
      const [answer] = (await once(get(url, { agent }), "response")) as [IncomingMessage];
      if (answer.statusCode !== 200) lost.push(`${answer.statusCode}`);
      await answer.resume().toArray();
    } catch (error) {
      const { code, syscall } = error as NodeJS.ErrnoException;
      if (code === "ECONNREFUSED") return lost;
      lost.push(`${syscall} ${code}`);
    }
  }
}

for (const WORKERS of ["1", "2"]) {
  test(`busy connections lose no request at the end: WORKERS=${WORKERS}`, slow, async (t) => {
    const { child, address, ended } = run(t, service, { WORKERS, LOG_LEVEL: "INFO" });
    const url = await address();
    const asking = Array.from({ length: 8 }, () => ask(`${url}/health`));
    await sleep(500);
    child.kill("SIGTERM");
    assert.deepEqual((await Promise.all(asking)).flat(), []);
    assert.deepEqual(await ended, [[0, null], ""]);
  });
}

const two = { WORKERS: "2" };

test(
  "workers are not ready before they stop listening, and finish what is in flight",
  slow,
  async (t) => {
    const env = { ...two, SHUTDOWN_DELAY: "1", SLOW_MS: "1500" };
    const { child, address, logged, ended } = run(t, service, env);
    const url = await address();
    await logged(/listening/);
    assert.equal((await fetch(`${url}/ready`)).status, 200);
    const inFlight = fetch(`${url}/slow`);
    await logged(/slow request began/);
    // As Ctrl-C does: the whole group gets it.
    process.kill(-Number(child.pid), "SIGINT");
    await logged(/^stopping$/);
    await logged(/^stopping$/);
    for (let number = 0; number < 2; number += 1) child.kill("SIGTERM");
    for (let number = 0; number < 4; number += 1) {
      const answer = await fetch(`${url}/ready`);
      assert.deepEqual([answer.status, answer.headers.get("connection")], [503, "close"]);
    }
    assert.equal(await (await inFlight).text(), "finished");
    await assert.rejects(fetch(url), (error: Error) => /ECONNREFUSED/.test(String(error.cause)));
    assert.deepEqual(await ended, [[0, null], ""]);
  },
);

test("a worker that dies is started anew, and none outlives the supervisor", slow, async (t) => {
  const { child, address, logged, ended } = run(t, service, two);
  const url = await address();
  await logged(/listening/);
  const pid = Number(await (await fetch(`${url}/pid`)).text());
  assert.notEqual(pid, child.pid);
  process.kill(pid, "SIGKILL");
  const { level, message } = await logged(/died/);
  assert.deepEqual([level, message], ["ERROR", `worker ${pid} died, with SIGKILL`]);
  await logged(/listening/);
  assert.equal((await fetch(`${url}/health`)).status, 200);
  child.kill("SIGKILL");
  assert.deepEqual(await ended, [[null, "SIGKILL"], ""]);
  await assert.rejects(async () => {
    for (;;) await fetch(`${url}/health`);
  });
});

test("a program that does not start is not started again, and says so once", slow, async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  t.after(() => other.close());
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const [taken, lines] = await run(t, service, { ...two, PORT: `${port}` }).ended;
  const sentence = `port ${port} is taken on 127.0.0.1; stop what listens there or set PORT`;
  assert.deepEqual([taken, lines], [[1, null], `fixture: ${sentence}\n`]);
  const { logged, ended } = run(t, service, { ...two, DATABASE: "none" });
  assert.match((await logged(/unhandled error/)).exception ?? "", /no database/);
  await assert.rejects(logged(/unhandled error|died/), /the log ended/);
  assert.deepEqual(await ended, [[1, null], ""]);
});

test("a worker that hangs is killed, later than those that end in time", slow, async (t) => {
  const { child, address, logged, ended } = run(t, service, { ...two, SHUTDOWN_TIMEOUT: "0" });
  const url = await address();
  await logged(/listening/);
  const stuck = fetch(`${url}/stuck`);
  await logged(/stuck request began/);
  const began = performance.now();
  child.kill("SIGTERM");
  await assert.rejects(stuck);
  assert.deepEqual(await ended, [[1, null], ""]);
  assert.ok(performance.now() - began > 4900);
});
