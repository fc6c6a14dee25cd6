import assert from "node:assert/strict";
import test from "node:test";
import { createClient } from "{{ cookiecutter.npm_name }}";

test("requests go to the address that the client is given, with its options", async () => {
  const asked: string[] = [];
  const client = createClient("http://127.0.0.1:1", {
    fetch: (request) => {
      asked.push(`${request.method} ${request.url}`);
      return Promise.resolve(Response.json({ status: "ok" }));
    },
  });
  const { data } = await client.GET("/health");
  assert.deepEqual(data, { status: "ok" });
  assert.deepEqual(asked, ["GET http://127.0.0.1:1/health"]);
});
