import assert from "node:assert/strict";
import test from "node:test";
import type { Schemas } from "@acme/api-client";
import type { Page } from "playwright-core";
import { executable, launch, serve } from "./browser.ts";

const skip = executable ? false : "needs Chromium on the PATH, or CHROMIUM=path/to/it";
// Where make dev runs the page with its service, such as http://127.0.0.1:5173.
const { PRODUCT_URL } = process.env;
const withoutProduct = !PRODUCT_URL && "needs make dev, and where it is: PRODUCT_URL=…";

/** Use the page at an address in a browser; no error may happen in it. */
async function visit(url: string, use: (page: Page) => Promise<void>): Promise<void> {
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const errors: Error[] = [];
    page.on("pageerror", (error) => errors.push(error));
    await page.goto(url);
    await use(page);
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
  }
}

async function shorten(page: Page, address: string): Promise<void> {
  await page.getByLabel("Address").fill(address);
  await page.getByRole("button").click();
}

test("somebody shortens an address, and reads why another one is refused", { skip }, async () => {
  const [url, close] = await serve();
  const made: Schemas["Link"] = { code: "abc", url: "https://example.org/", visits: 0 };
  try {
    await visit(url, async (page) => {
      // The service is not there: this is what it answers.
      await page.route("**/api/links", (route) => {
        if (route.request().method() === "GET") return route.fulfill({ json: [] });
        if (route.request().postDataJSON().url === made.url)
          return route.fulfill({ status: 201, json: made });
        return route.fulfill({ status: 422, json: { errors: [{ detail: "is no address" }] } });
      });
      await page.reload();
      await shorten(page, made.url);
      await page.getByRole("link", { name: "abc" }).waitFor();
      await shorten(page, "nonsense");
      await page.getByText("is no address").waitFor();
    });
  } finally {
    await close();
  }
});

test("a short link leads where it should", { skip: skip || withoutProduct }, async () => {
  await visit(String(PRODUCT_URL), async (page) => {
    const target = new URL("/#there", page.url()).href;
    await shorten(page, target);
    await page.getByRole("link").first().click();
    await page.waitForURL(target);
    await page.getByText(`${target} (1)`).waitFor();
  });
});
