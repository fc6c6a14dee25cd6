import { accessSync, constants } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { createServer } from "vite";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

export const executable = [
  process.env.CHROMIUM,
  ...NAMES.map((name) => `/usr/bin/${name}`),
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

export function launch(): Promise<Browser> {
  return chromium.launch(executable ? { executablePath: executable } : {});
}

export async function serve(): Promise<[string, () => Promise<void>]> {
  const server = await createServer({ logLevel: "error", server: { port: 0, watch: null } });
  await server.listen();
  const [url = ""] = server.resolvedUrls?.local ?? [];
  return [url, () => server.close()];
}
