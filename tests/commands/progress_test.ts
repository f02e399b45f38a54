import { strictEqual } from "node:assert/strict";
import { progressLine, startProgress } from "../../commands/line/progress.ts";
import { formatCount, formatDuration, formatSize } from "../../commands/line/output.ts";
import { testWorld } from "../support/test_world.ts";

Deno.test("a progress line says files, events, events a second and the time left", () => {
  strictEqual(
    progressLine("Producing", { files: 50, filesMax: 200, events: 25_000 }, 5_000),
    "Producing: 50 of 200 files, 25,000 events, 5,000 events/s, 15.0s left",
  );
  strictEqual(progressLine("Compacting", { files: 5, filesMax: 5 }, 5_000), "Compacting: 5 of 5 files");
  strictEqual(progressLine("Consuming", { files: 0, events: 0 }, 10), "Consuming: 0 files, 0 events");
});

Deno.test("on a terminal progress redraws one line at most ten times a second and clears it at the end", async () => {
  const world = { ...testWorld({ commands: [], terminal: true }), json: false };
  const progress = startProgress(world, "P");
  progress.update({ files: 1 });
  progress.update({ files: 2 });
  await world.clock.sleep(100);
  progress.update({ files: 3 });
  await progress.end();
  strictEqual(world.stderrText(), "\r\x1b[KP: 1 files\r\x1b[KP: 3 files\r\x1b[K");
});

Deno.test("off a terminal progress prints a plain line every five seconds, and with --json nothing", async () => {
  for (const json of [false, true]) {
    const world = { ...testWorld({ commands: [] }), json };
    const progress = startProgress(world, "P");
    progress.update({ files: 1 });
    await world.clock.sleep(5_000);
    progress.update({ files: 2 });
    await progress.end();
    strictEqual(world.stderrText(), json ? "" : "P: 2 files\n");
  }
});

Deno.test("counts, sizes and durations read well", () => {
  strictEqual(formatCount(1234567), "1,234,567");
  strictEqual(formatCount(12345678901234567890n), "12,345,678,901,234,567,890");
  strictEqual(formatSize(999), "999 B");
  strictEqual(formatSize(1_234_567), "1.2 MB");
  strictEqual(formatDuration(340), "340ms");
  strictEqual(formatDuration(2_340), "2.3s");
  strictEqual(formatDuration(65_000), "1m 5s");
  strictEqual(formatDuration(3_660_000), "1h 1m");
  strictEqual(formatDuration(90_000_000), "1d 1h");
});
