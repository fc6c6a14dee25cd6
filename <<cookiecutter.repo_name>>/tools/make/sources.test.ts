// Coverage knows only the files that some test loaded. This loads the others too, so that a
// file without tests counts as uncovered. Not what runs when it is loaded: main.ts, the commands
// under "bin" in package.json, and what begins with #!.
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

const { bin = {} } = JSON.parse(readFileSync("package.json", "utf8"));
const commands = (typeof bin === "string" ? [bin] : Object.values<string>(bin)).map((file) =>
  path
    .normalize(file)
    .replace(/^dist\//, "src/")
    .replace(/\.js$/, ".ts"),
);
const programs = new Set([...commands, "src/main.ts"]);

for (const file of globSync("src/**/*.ts")) {
  if (programs.has(file) || readFileSync(file, "utf8").startsWith("#!")) continue;
  test(`${file} loads`, async (t) => {
    // It would end this process before the other files are loaded.
    t.mock.method(process, "exit", () => {
      throw new Error(
        `${file} ends the process when it is loaded; move that below a function, or name it under "bin" in package.json`,
      );
    });
    await import(pathToFileURL(path.resolve(file)).href);
  });
}
