import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { cutMetadata, newestMetadata } from "../serve/cut_metadata.ts";
import { HOSTILE_RECORD, useFilledLake } from "../serve/console/console_lake.ts";
import { type Browser, browserTest } from "../support/browser.ts";
import { ServedLake } from "../support/lake_server.ts";
import { checkPeace } from "./console_peace.ts";

const STREAM = "/stream?target=bronze.events";
/** Of the first chart whose label begins so, how many bars are there, and how many gaps. */
const chart = (label: string) =>
  `(({ childNodes }) => [[...childNodes].filter((node) => node.getAttribute("height") > 0 &&
  node.getAttribute("class") !== "gap").length, [...childNodes].filter((node) =>
  node.getAttribute("class") === "gap").length])([...document.querySelectorAll("svg.bars")].find((node) =>
  node.getAttribute("aria-label").startsWith("${label}")))`;

async function checkLooks(browser: Browser, path: string): Promise<void> {
  for (const [width, scheme] of [[360, "light"], [1200, "dark"]] as const) {
    await browser.look(width, 800, scheme);
    deepStrictEqual(await browser.accessibilityFaults(), [], `${path}, ${scheme}`);
    const wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
    strictEqual(await browser.run(wider), false, path);
  }
}

/** Makes the record of the last batch that which a version before wrote: without a landing. */
async function forgetLanding(folder: string): Promise<void> {
  const path = newestMetadata(folder, "ingest.files");
  const text = await Deno.readTextFile(path);
  const last = text.lastIndexOf("&landedMs=");
  const before = text.slice(0, last), format = before.lastIndexOf("format=4");
  const older = `${before.slice(0, format)}format=1${before.slice(format + 8)}`;
  await Deno.writeTextFile(path, older + text.slice(last).replace(/^&landedMs=\d+/, ""));
}

browserTest(
  "a stream's lag is drawn by batch, with a gap where it is not known, and over each span of time",
  (browser) =>
    useFilledLake(async (lake, world) => {
      await forgetLanding(world.folder);
      await browser.look(1200, 800);
      await browser.open(lake.address + STREAM);
      await browser.untilSeen(
        /Lag, batch by batch[\s\S]*shaded where it is not known[\s\S]*What became of the records/,
      );
      deepStrictEqual(await browser.run(chart("Lag, batch by batch")), [1, 1]);
      deepStrictEqual(await browser.run(chart("From plan to commit")), [2, 0]);
      await checkLooks(browser, STREAM);
      await browser.run("[...document.querySelectorAll('a')].find((link) => link.textContent === '24 hours').click()");
      await browser.untilSeen(/Over time[\s\S]*Lag, hour by hour/);
      strictEqual(await browser.run("location.search"), "?target=bronze.events&span=24h");
      strictEqual(await browser.run("document.querySelectorAll('nav a[aria-current=true]').length"), 1);
      const [bars, gaps] = await browser.run<number[]>(chart("Lag, hour by hour"));
      strictEqual(bars! + gaps!, 24);
      await browser.run("document.querySelector('details').open = true");
      await browser.untilSeen(/hours without batches are left out/i);
      await checkLooks(browser, `${STREAM}&span=24h`);
      for (const [span, text] of [["1h", /minute by minute/], ["7d", /hour by hour/], ["30d", /day by day/]] as const) {
        await browser.open(`${lake.address}${STREAM}&span=${span}`);
        await browser.untilSeen(text);
      }
      await browser.open(`${lake.address}${STREAM}&span=century`);
      await browser.untilSeen(/Lag, batch by batch/);
      checkPeace(browser, lake);
    }),
);

browserTest(
  "a span of time without batches says so, whatever the target is called",
  (browser) =>
    ServedLake.use(async (lake) => {
      await browser.look(1200, 800);
      await browser.open(`${lake.address}${STREAM}&span=24h`);
      await browser.untilSeen(/Nothing was ingested in that time\./);
      await checkLooks(browser, STREAM);
      await browser.open(`${lake.address}/stream?span=7d&target=${encodeURIComponent(HOSTILE_RECORD)}`);
      match(await browser.untilSeen(/Nothing was ingested in that time\./), /Stream <script>/);
      strictEqual(await browser.run("globalThis.stolen"), undefined);
      checkPeace(browser, lake);
    }),
);

browserTest(
  "a table whose metadata is cut short is named on the first page, which shows the rest",
  (browser) =>
    useFilledLake(async (lake, world) => {
      await cutMetadata(world.folder, "bronze.events");
      await browser.look(1200, 800);
      await browser.open(`${lake.address}/`);
      await browser.untilSeen(/bronze\.events cannot be read: [\s\S]*what waits for them[\s\S]*lag unknown/);
      strictEqual(await browser.run("document.querySelectorAll('[role=alert]').length"), 1);
      await checkLooks(browser, "/");
    }),
);

browserTest(
  "the question of a link is asked at once, also where tables cannot be listed",
  (browser) =>
    useFilledLake(async (lake) => {
      const link = `${lake.address}/sql?q=${encodeURIComponent("select 40 + 2 as n")}`;
      await browser.look(1200, 800);
      await browser.open(link);
      await browser.untilSeen(/1 row in[\s\S]*42/);
      await browser.untilTrue("(document.getElementById('sql')?.shadowRoot ?? null) !== null");
      const entry = (name: string) =>
        `performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/api/${name}"))`;
      strictEqual(await browser.run(`${entry("sql")}.startTime < ${entry("tables")}.responseEnd`), true);
      await browser.block("*/api/tables");
      await browser.open(link);
      await browser.untilSeen(/1 row in[\s\S]*42/);
      await browser.untilTrue("(document.getElementById('sql')?.shadowRoot ?? null) !== null");
      deepStrictEqual(lake.failures, []);
    }),
);
