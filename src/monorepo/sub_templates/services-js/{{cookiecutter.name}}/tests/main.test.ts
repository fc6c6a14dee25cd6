import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";
import manifest from "../package.json" with { type: "json" };

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

test("the service starts, answers and stops when it is told to", async () => {
  const service = spawn(process.execPath, ["--conditions=source", main], {
    env: { ...process.env, HOST: "127.0.0.1", PORT: "0", LOG_LEVEL: "info" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(service, "exit");
  try {
    for await (const line of createInterface(service.stdout)) {
      const address = /http:\/\/[\d.:]+/.exec(line)?.[0];
      if (address === undefined) continue;
      const health = await fetch(`${address}/health`);
      assert.deepEqual(await health.json(), {
        status: "ok",
        name: manifest.name,
        version: manifest.version,
      });
      const root = await fetch(address);
      assert.deepEqual(await root.json(), { service: "{{ cookiecutter.name }}" });
      service.kill("SIGTERM");
    }
    assert.deepEqual(await exited, [0, null]);
  } finally {
    service.kill("SIGKILL");
  }
});

test("README.md documents the settings; make settings updates it", async () => {
  const command = ["--conditions=source", main, "--settings"];
  const { stdout } = spawnSync(process.execPath, command, { encoding: "utf8" });
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  assert.ok(readme.includes(`<!-- settings -->\n\n${stdout}\n<!-- /settings -->`));
});
