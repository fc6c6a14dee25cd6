import assert from "node:assert/strict";
import test from "node:test";
import { readSettings, SettingsError } from "@{{ cookiecutter.namespace }}/{{ cookiecutter.name }}";

test("without an environment a service listens on its own port, on this machine only", () => {
  const expected = { host: "127.0.0.1", port: 3000, logLevel: "info" };
  assert.deepEqual(readSettings({}, 3000), expected);
  assert.deepEqual(readSettings({ HOST: "", PORT: "", LOG_LEVEL: "" }, 3000), expected);
});

test("the environment wins", () => {
  assert.deepEqual(readSettings({ HOST: "::", PORT: "80", LOG_LEVEL: "debug" }, 3000), {
    host: "::",
    port: 80,
    logLevel: "debug",
  });
});

test("one error names everything that is wrong", () => {
  assert.throws(() => readSettings({ PORT: "http", LOG_LEVEL: "loud" }), {
    name: "SettingsError",
    message: /^PORT=http is not a port.*; LOG_LEVEL=loud is none of silent, fatal/,
  });
});

test("a port is a whole number up to 65535", () => {
  for (const PORT of ["-1", "65536", "3000.5", "1e3", "0x50", " 80", "NaN"]) {
    assert.throws(() => readSettings({ PORT }, 3000), SettingsError, PORT);
  }
  assert.throws(() => readSettings({}), /PORT is not set/);
});
