// Node's coverage knows only the files that some test loaded. This loads the others too, so that a
// file without tests counts as uncovered. Not main.ts: it is a service that would start.
import { globSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

for (const file of globSync("src/**/*.ts", { exclude: ["src/main.ts"] })) {
  test(`${file} loads`, async () => {
    await import(pathToFileURL(path.resolve(file)).href);
  });
}
