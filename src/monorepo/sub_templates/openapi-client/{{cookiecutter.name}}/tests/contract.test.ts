{% set service = "services/py/" ~ cookiecutter.service.removeprefix("services/py/") %}
{% set module = cookiecutter.namespace ~ "_svc_" ~ service.rpartition("/")[2] %}
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { createClient } from "{{ cookiecutter.npm_name }}";
import document from "../src/generated/openapi.json" with { type: "json" };

const service = {{ service|quote }};
const main = {{ (module|replace("-", "_") ~ ".main")|quote }};

// nox tests a copy of this package alone, with the tools of the repository.
const tools = process.env.NODE_BIN || resolve("../../../node_modules/.bin");
const root = resolve(tools, "../..");
const here = existsSync(resolve(root, service)) && existsSync(resolve(root, "run"));
const skip = !here && `${service}, or its Python, is not here`;

test(`${service} is what this client was generated from`, { skip }, async () => {
  const child = spawn(resolve(root, "run"), ["--package", service, "-m", main], {
    cwd: resolve(root, service),
    env: { ...process.env, DOCS: "true", HOST: "127.0.0.1", LOG_LEVEL: "info", PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  try {
    for await (const line of createInterface(child.stdout)) {
      const { port } = JSON.parse(line) as { port?: number };
      if (port === undefined) continue;
      const address = `http://127.0.0.1:${port}`;
      const { data } = await createClient(address).GET("/health");
      assert.equal(data?.status, "ok");
      const served = await fetch(`${address}/openapi.json`);
      assert.deepEqual(await served.json(), document, "run make generate");
      child.kill("SIGTERM");
    }
    assert.deepEqual(await exited, [0, null]);
  } finally {
    child.kill("SIGKILL");
  }
});
