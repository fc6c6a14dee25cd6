import assert from "node:assert/strict";
import test from "node:test";
import { inspect } from "node:util";
import {
  address,
  common,
  readSettings,
  SettingsError,
  secret,
  settingsTable,
  text,
  wholeNumber,
} from "@{{ cookiecutter.namespace }}/{{ cookiecutter.name }}";

const schema = common(3000);

test("without an environment a service listens on its own port, on this machine only", () => {
  const expected = {
    host: "127.0.0.1",
    port: 3000,
    logLevel: "INFO",
    workers: 1,
    shutdownTimeout: 10,
    shutdownDelay: 0,
    otelExporterOtlpEndpoint: undefined,
  };
  assert.deepEqual(readSettings({}, schema), expected);
  assert.deepEqual(readSettings({ HOST: "", PORT: "", LOG_LEVEL: "" }, schema), expected);
});

test("the environment wins", () => {
  const { host, port, shutdownDelay } = readSettings(
    { HOST: "::", PORT: "80", SHUTDOWN_DELAY: "5" },
    schema,
  );
  assert.deepEqual([host, port, shutdownDelay], ["::", 80, 5]);
});

test("a level is written in any case, and has the names that both languages know", () => {
  const written = {
    debug: "DEBUG",
    Info: "INFO",
    warn: "WARNING",
    ERROR: "ERROR",
    fatal: "CRITICAL",
  };
  for (const [LOG_LEVEL, expected] of Object.entries(written)) {
    assert.equal(readSettings({ LOG_LEVEL }, schema).logLevel, expected);
  }
});

test("one error names everything that is wrong, and no value", () => {
  assert.throws(() => readSettings({ PORT: "http", LOG_LEVEL: "loud", HOST: " x" }, schema), {
    name: "SettingsError",
    problems: [
      "HOST: should have no space around it",
      "PORT: should be a whole number",
      "LOG_LEVEL: should be DEBUG, INFO, WARNING, ERROR or CRITICAL",
    ],
  });
});

test("a port is a whole number up to 65535", () => {
  for (const PORT of ["-1", "65536", "3000.5", "1e3", "0x50", " 80", "NaN"]) {
    assert.throws(() => readSettings({ PORT }, schema), SettingsError, PORT);
  }
  assert.throws(() => readSettings({}, common()), /PORT: is not set/);
});

test("a secret may have a default, and is checked without being shown", () => {
  const check = (value: string) => {
    if (!value.startsWith("sqlite:")) throw new Error("should begin with sqlite:");
  };
  const own = { databaseUrl: secret("where the data is", "sqlite:///x", check) };
  assert.equal(readSettings({}, own).databaseUrl.reveal(), "sqlite:///x");
  assert.match(settingsTable(own), /\| `DATABASE_URL` \| not shown \| where the data is \|/);
  assert.throws(() => readSettings({ DATABASE_URL: "x-y-z" }, own), {
    problems: ["DATABASE_URL: should begin with sqlite:"],
  });
});

test("a service adds settings, which are read and documented as the others are", () => {
  const own = {
    databaseUrl: text("where the data is | and how", "sqlite"),
    apiKey: secret("the key of the mail service"),
    apiUrl: address("where services/py/api is"),
    batch: wholeNumber("how many at once", 7, { min: 1 }),
  };
  const env = { API_KEY: "x-y-z", API_URL: "http://127.0.0.1:8000/" };
  const settings = readSettings(env, own);
  assert.deepEqual(
    [settings.databaseUrl, settings.apiUrl, settings.batch],
    ["sqlite", "http://127.0.0.1:8000", 7],
  );
  assert.equal(settings.apiKey.reveal(), "x-y-z");
  assert.doesNotMatch(`${inspect(settings)}${JSON.stringify(settings)}${settings.apiKey}`, /x-y-z/);
  for (const API_URL of [" http://x", "http://x ", "http:x", "http://x:0"]) {
    assert.throws(() => readSettings({ ...env, API_URL }, own), SettingsError, API_URL);
  }
  assert.throws(() => readSettings({ API_URL: "ftp://x", BATCH: "0" }, own), {
    problems: [
      "API_KEY: is not set",
      "API_URL: should be an address such as http://127.0.0.1:8000",
      "BATCH: should be greater than or equal to 1",
    ],
  });
  assert.deepEqual(settingsTable(own).split("\n").slice(2), [
    "| `DATABASE_URL` | sqlite | where the data is \\| and how |",
    "| `API_KEY` | has to be set | the key of the mail service |",
    "| `API_URL` | has to be set | where services/py/api is |",
    "| `BATCH` | 7 | how many at once |",
  ]);
});
