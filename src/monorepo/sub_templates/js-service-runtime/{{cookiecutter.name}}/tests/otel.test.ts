import assert from "node:assert/strict";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, realpath, rm, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { json } from "node:stream/consumers";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { run, service, slow } from "./process.ts";

const here = path.dirname(fileURLToPath(import.meta.url));
const trace = "0af7651916cd43dd8448eb211c80319c";

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

interface Exported {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly name: string;
        readonly traceId: string;
        readonly spanId: string;
        readonly parentSpanId?: string;
        readonly attributes: readonly Attribute[];
        readonly status: { readonly code: number };
      }[];
    }[];
  }[];
}

/** Collect what is exported, and answer calls with the headers that they have. */
async function collect(t: TestContext) {
  const exported: Record<string, Exported[]> = { "/v1/traces": [], "/v1/metrics": [] };
  const server = createServer(async (request, response) => {
    const bodies = exported[request.url ?? ""];
    if (bodies) bodies.push((await json(request)) as Exported);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(bodies ? {} : request.headers));
  });
  t.after(() => server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { exported, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function values(attributes: readonly Attribute[]) {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]),
  );
}

for (const WORKERS of ["1", "2"]) {
  test(`a collector gets traces and metrics: WORKERS=${WORKERS}`, slow, async (t) => {
    const { exported, url } = await collect(t);
    const env = { WORKERS, OTHER_URL: url, OTEL_EXPORTER_OTLP_ENDPOINT: url };
    const { child, address, logged, ended } = run(t, service, env);
    const ours = await address();
    await fetch(`${ours}/health`);
    const traceparent = `00-${trace}-b7ad6b7169203331-01`;
    const relayed = await fetch(`${ours}/relayed?key=secret`, { headers: { traceparent } });
    const passed = (await relayed.json()) as Record<string, string>;
    await fetch(`${ours}/broken`);
    const { trace_id } = await logged(/^request failed$/);
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [[0, null], ""]);

    const resources = exported["/v1/traces"]?.flatMap((one) => one.resourceSpans ?? []) ?? [];
    const spans = resources
      .flatMap((one) => one.scopeSpans.flatMap((scope) => scope.spans))
      .sort((one, other) => one.name.localeCompare(other.name));
    assert.deepEqual(
      spans.map(({ name, traceId, parentSpanId, status }) => [
        name,
        traceId,
        parentSpanId,
        status.code,
      ]),
      [
        ["GET /broken", trace_id, undefined, 2],
        ["GET /relayed", trace, "b7ad6b7169203331", 0],
      ],
    );
    assert.equal(passed.traceparent, `00-${trace}-${spans[1]?.spanId}-01`);
    assert.deepEqual(values(spans[1]?.attributes ?? []), {
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "http.route": "/relayed",
      "url.path": "/relayed",
      "url.scheme": "http",
    });
    const resource = values(resources[0]?.resource.attributes ?? []);
    assert.deepEqual([resource["service.name"], resource["service.version"]], ["fixture", "1.2.3"]);
    assert.match(JSON.stringify(exported["/v1/metrics"]), /"http\.server\.request\.duration"/);
    assert.doesNotMatch(JSON.stringify(exported), /secret|health/);
  });
}

test(
  "without a collector it serves and stops as well, and logs that nobody takes it",
  slow,
  async (t) => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
    const { child, address, logged, ended } = run(t, service, env);
    assert.equal((await fetch(`${await address()}/own`)).status, 200);
    child.kill("SIGTERM");
    assert.equal((await logged(/ECONNREFUSED/)).level, "ERROR");
    assert.deepEqual(await ended, [[0, null], ""]);
  },
);

test("without its packages a service runs, and asking for it is one line", slow, async (t) => {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "no-opentelemetry-")));
  t.after(() => rm(folder, { recursive: true }));
  await cp(path.join(here, ".."), folder, {
    recursive: true,
    filter: (source) => !source.includes("node_modules"),
  });
  await mkdir(path.join(folder, "node_modules"));
  const fastify = await realpath(path.join(here, "../node_modules/fastify"));
  await symlink(fastify, path.join(folder, "node_modules/fastify"));
  const copy = path.join(folder, "tests/fixtures/service.ts");
  const { child, address, ended } = run(t, copy);
  await address();
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [[0, null], ""]);
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" };
  const [exit, stderr] = await run(t, copy, env).ended;
  const sentence = /^fixture: OTEL_EXPORTER_OTLP_ENDPOINT: needs @opentelemetry\/\S+; add .*\n$/;
  assert.match(stderr, sentence);
  assert.deepEqual(exit, [1, null]);
});
