import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));

/** For tests that start many processes, or wait for seconds. */
export const slow = { skip: process.env.SLOW !== "true" && "needs SLOW=true" };

export interface Line {
  readonly [field: string]: unknown;
  readonly level: string;
  readonly message: string;
  readonly exception?: string;
}

const schema = JSON.parse(await readFile(path.join(here, "log_line.schema.json"), "utf8"));

/** Check a line by what the schema uses of JSON Schema. */
function check(line: Line): void {
  for (const name of schema.required) assert.ok(name in line, `${name} in ${JSON.stringify(line)}`);
  for (const [name, rule] of Object.entries<Record<string, never>>(schema.properties)) {
    const value = line[name];
    if (value === undefined) continue;
    if (rule.enum) assert.ok((rule.enum as unknown[]).includes(value), `${name}: ${value}`);
    else assert.equal(typeof value, rule.type === "integer" ? "number" : rule.type, name);
    if (rule.pattern) assert.match(String(value), new RegExp(rule.pattern), name);
  }
  for (const [name, needed] of Object.entries<string[]>(schema.dependentRequired)) {
    if (name in line)
      for (const other of needed) assert.ok(other in line, `${other} beside ${name}`);
  }
}

/** Run a program; it is killed after the test. */
export function run(t: TestContext, file: string, env: NodeJS.ProcessEnv = {}) {
  const unset = { HOST: "", PORT: "", LOG_LEVEL: "", WORKERS: "", OTEL_EXPORTER_OTLP_ENDPOINT: "" };
  const child = spawn(process.execPath, ["--conditions=source", file], {
    env: { ...process.env, ...unset, API_KEY: "x-y-z", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, as in a terminal.
    detached: true,
  });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();

  /** Read the log up to the first message that matches. */
  async function logged(pattern: RegExp): Promise<Line> {
    for (;;) {
      const { value, done } = await lines.next();
      assert.ok(!done, `the log ended without ${pattern}`);
      const line: Line = JSON.parse(value);
      check(line);
      assert.deepEqual([line.service, line.version], ["fixture", "1.2.3"]);
      if (pattern.test(line.message)) return line;
    }
  }

  return {
    child,
    logged,
    address: async () => (await logged(/listening/)).message.replace(/.*(?=http:)/, ""),
    ended: Promise.all([once(child, "exit"), text(child.stderr)]),
  };
}

export const service = path.join(here, "fixtures/service.ts");
