import assert from "node:assert/strict";
import test from "node:test";
import { executable, launch, serve } from "./browser.ts";

const skip = executable ? false : "needs Chromium on the PATH, or CHROMIUM=path/to/it";

test("somebody types seconds and reads how long they are", { skip }, async () => {
  const [url, close] = await serve();
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const errors: Error[] = [];
    page.on("pageerror", (error) => errors.push(error));
    await page.goto(url);
    await page.getByLabel("Seconds").fill("3661");
    await page.getByText("1 h 1 min 1 s").waitFor();
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
    await close();
  }
});
