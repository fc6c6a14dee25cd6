import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { type At, isDue, schedule } from "../src/jobs.ts";

const every: At = { minute: null, hour: null, day: null, month: null, weekday: null };

test("a job is due in the minutes, in UTC, that all parts of its time match", () => {
  // A Friday.
  const time = new Date("2026-11-27T03:05:59Z");
  for (const at of [{}, { minute: [0, 5] }, { hour: [3], month: [11] }, { weekday: [5] }]) {
    assert.ok(isDue({ ...every, ...at }, time), JSON.stringify(at));
  }
  for (const at of [{ minute: [4] }, { minute: [5], hour: [4] }, { month: [10] }, { day: [26] }]) {
    assert.ok(!isDue({ ...every, ...at }, time), JSON.stringify(at));
  }
  // Of day and weekday, one is enough.
  assert.ok(isDue({ ...every, day: [1], weekday: [5] }, time));
  assert.ok(isDue({ ...every, day: [27], weekday: [0] }, time));
  assert.ok(!isDue({ ...every, day: [1], weekday: [0] }, time));
  assert.ok(!isDue({ ...every, minute: [4], day: [27], weekday: [5] }, time));
});

/** Schedule jobs at a time that stands still; return what goes on, and what it logs. */
function scheduled(t: TestContext, runs: Readonly<Record<string, () => unknown>>) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let now = Date.parse("2026-11-27T03:04:30Z");
  t.mock.method(Date, "now", () => now);
  const logged: string[] = [];
  const tell = (_fields: object, message: string) => logged.push(message);
  const log = { info: tell, warn: tell, error: tell, child: () => log } as never;
  const state = { stopping: false };
  const jobs = Object.entries(runs).map(([name, run]) => ({ name, at: every, run }));
  const stop = schedule(jobs, log, () => state.stopping);
  /** Let seconds pass, and what they start go on. */
  const pass = async (seconds: number) => {
    now += seconds * 1000;
    t.mock.timers.tick(seconds * 1000);
    await new Promise(setImmediate);
  };
  const setBack = (seconds: number) => {
    now -= seconds * 1000;
  };
  return { logged, pass, setBack, state, stop };
}

test("jobs run each minute; one that fails runs again, and one that still runs is left out", async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const fails = () => {
    throw new Error("no broom");
  };
  const { logged, pass, state, stop } = scheduled(t, { fails, slow: () => promise });
  await pass(29);
  assert.deepEqual(logged, []);
  await pass(1);
  await pass(60);
  assert.deepEqual(logged, [
    "job fails failed",
    "job slow still runs, and is left out",
    "job fails failed",
  ]);
  resolve();
  await pass(1);
  assert.equal(logged.at(-1), "job slow done");
  state.stopping = true;
  await pass(60);
  assert.equal(logged.length, 4);
  await stop();
});

test("minutes that pass while the machine sleeps are left out", async (t) => {
  const { logged, pass, stop } = scheduled(t, { sweep: () => {} });
  await pass(3600);
  assert.deepEqual(logged, ["job sweep done"]);
  await stop();
  await pass(120);
  assert.deepEqual(logged, ["job sweep done"]);
});

test("no minute comes twice, and a clock that is set back an hour stops nothing", async (t) => {
  const { logged, pass, setBack, stop } = scheduled(t, { sweep: () => {} });
  await pass(31);
  setBack(2);
  await pass(2);
  assert.deepEqual(logged, ["job sweep done"]);
  setBack(3600);
  await pass(60);
  await pass(60);
  assert.deepEqual(logged, ["job sweep done", "job sweep done"]);
  await stop();
});
