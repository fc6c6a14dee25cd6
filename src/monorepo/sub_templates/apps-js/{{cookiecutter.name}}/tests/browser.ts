import { accessSync, constants } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { createServer } from "vite";

const NAMES = [
  "chromium",
  "chromium-browser",
  "google-chrome",
  "google-chrome-stable",
  "chromium-headless-shell",
  "microsoft-edge",
];

/** The browser for tests: CHROMIUM, else one on the PATH, else one that playwright has installed. */
export const executable = [
  process.env.CHROMIUM,
  ...(process.env.PATH ?? "")
    .split(path.delimiter)
    .flatMap((folder) => NAMES.map((name) => path.join(folder, name))),
  chromium.executablePath(),
].find((file) => file && isExecutable(file));

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Start the browser. */
export function launch(): Promise<Browser> {
  return chromium.launch(executable ? { executablePath: executable } : {});
}

/** Return where the app is, and a function that ends it: the build that `make smoke` serves, else src. */
export async function serve(): Promise<[string, () => Promise<void>]> {
  if (process.env.APP_URL) return [process.env.APP_URL, async () => {}];
  const server = await createServer({
    root: fileURLToPath(new URL("..", import.meta.url)),
    logLevel: "error",
    server: { host: "127.0.0.1", port: 0, strictPort: false, watch: null },
  });
  await server.listen();
  const [url = ""] = server.resolvedUrls?.local ?? [];
  return [url, () => server.close()];
}
