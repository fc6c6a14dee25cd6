import assert from "node:assert/strict";
import test from "node:test";
import { duration } from "../src/duration.ts";

test("duration leaves out what is zero", () => {
  assert.deepEqual([0, 59, 60, 3600, 3661].map(duration), [
    "0 s",
    "59 s",
    "1 min",
    "1 h",
    "1 h 1 min 1 s",
  ]);
});

test("duration takes any number", () => {
  assert.deepEqual([-1, 1.9].map(duration), ["0 s", "1 s"]);
});
