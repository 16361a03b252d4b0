// A real browser without a window, and what a page must not do in it: ask another host, break its own policy
// for content, or fail in silence.

import assert from "node:assert/strict";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { findChromium } from "../../scripts/chromium.mjs";

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function startBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  assert.ok(
    executablePath !== undefined,
    "Chromium is not there, and the dashboard is tested in it: apt-get install chromium, or set SLUICE_CHROMIUM to its path.",
  );
  return chromium.launch({ executablePath, args });
}

export interface OpenPage {
  page: Page;
  /** Every address that the page has asked for. */
  asked: string[];
  /** What the console said, errors of scripts and of the content policy included. */
  complaints: string[];
}

export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  const asked: string[] = [];
  const complaints: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  await page.goto(url);
  return { page, asked, complaints };
}

/** Resolves when an element is there that the selector finds; the error of a timeout names it. */
export async function seen(page: Page, selector: string, timeout = 20_000): Promise<void> {
  await page.locator(selector).first().waitFor({ timeout });
}
