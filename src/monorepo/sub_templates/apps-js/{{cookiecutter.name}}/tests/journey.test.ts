import assert from "node:assert/strict";
import test from "node:test";
import { executable, launch, serve } from "./browser.ts";

const skip = executable ? false : "needs Chromium on the PATH, or CHROMIUM=path/to/it";

{% if cookiecutter.example %}
test("somebody types seconds and reads how long they are", { skip }, async () => {
{% else %}
test("somebody reads the title", { skip }, async () => {
{% endif %}
  const [url, close] = await serve();
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const errors: Error[] = [];
    page.on("pageerror", (error) => errors.push(error));
    await page.goto(url);
{% if cookiecutter.example %}
    await page.getByLabel("Seconds").fill("3661");
    await page.getByText("1 h 1 min 1 s").waitFor();
{% else %}
    await page.getByRole("heading", { name: await page.title() }).waitFor();
{% endif %}
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
    await close();
  }
});
