import { strictEqual } from "node:assert/strict";
import { progressLine, startProgress } from "../../commands/line/progress.ts";
import { formatDuration, formatSize } from "../../commands/line/output.ts";
import { counted, formatCount } from "../../core/base/counted.ts";
import { Meter } from "../../core/base/meter.ts";
import { testWorld } from "../support/test_world.ts";

Deno.test("a progress line says files, events, events a second and, once that means something, the time left", () => {
  strictEqual(
    progressLine("Producing", { counts: { files: 50, filesMax: 200, events: 25_000 }, step: undefined }, 5_000),
    "Producing: 50 of 200 files, 25,000 events, 5,000 events/s, 15.0s left",
  );
  strictEqual(
    progressLine("Compacting", { counts: { files: 5, filesMax: 5 }, step: undefined }, 5_000),
    "Compacting: 5 of 5 files",
  );
  const counts = { files: 30, filesMax: 40, groups: 2, groupsMax: 4, bytes: 1e9, bytesMax: 4e9 };
  strictEqual(
    progressLine("Compacting", { counts, step: undefined }, 10_000),
    "Compacting: 30 of 40 files, 2 of 4 groups, 1.0 GB of 4.0 GB, 30.0s left",
  );
  strictEqual(
    progressLine("Ingesting", { counts: { files: 1, filesMax: 2, filesBehind: 3 }, step: undefined }, 10),
    "Ingesting: 1 of 2 files, 3 more files wait",
  );
  for (const [files, left] of [[1, ""], [199, ""], [200, ", 5m 27s left"]] as const) {
    strictEqual(
      progressLine("Ingesting", { counts: { files, filesMax: 10_000 }, step: undefined }, 6_670),
      `Ingesting: ${files} of 10,000 files${left}`,
    );
  }
  const reading = { counts: { files: 0, records: 0 }, step: "route" };
  strictEqual(progressLine("Ingesting", reading, 10), "Ingesting (route): 0 files, 0 records");
});

Deno.test("on a terminal progress redraws one line at most ten times a second and clears it at the end", async () => {
  const world = { ...testWorld({ commands: [], terminal: true }), json: false, jsonMessages: false };
  const meter = new Meter(world.clock);
  const progress = startProgress(world, "P", meter);
  meter.count("files");
  meter.count("files");
  await world.clock.sleep(100);
  meter.countAll({ files: 1, filesMax: 4 });
  await progress.end();
  strictEqual(world.stderrText(), "\r\x1b[KP: 1 file\r\x1b[KP: 3 of 4 files\r\x1b[K");
});

Deno.test("progress is cut to the width that the terminal has when it is drawn", async () => {
  let columns = 20;
  const terminalSize = () => ({ columns, rows: 24 });
  const world = { ...testWorld({ commands: [], terminal: true }), json: false, jsonMessages: false, terminalSize };
  const meter = new Meter(world.clock);
  const progress = startProgress(world, "Producing", meter);
  meter.count("files");
  await world.clock.sleep(100);
  columns = 14;
  meter.count("files");
  await progress.end();
  strictEqual(world.stderrText(), "\r\x1b[KProducing: 1 file\r\x1b[KProducing: 2 \r\x1b[K");
});

Deno.test("off a terminal progress prints a line with the time every five seconds, with --json an object", async () => {
  for (const json of [false, true]) {
    const world = { ...testWorld({ commands: [], terminal: json }), json, jsonMessages: json };
    const meter = new Meter(world.clock);
    const progress = startProgress(world, "P", meter);
    meter.count("files");
    await world.clock.sleep(5_000);
    meter.count("files");
    await progress.end();
    const expected = json
      ? '{"action":"progress","doing":"P","step":null,"files":2,"elapsedMs":5000,"time":"2026-03-01T12:00:05.000Z"}\n'
      : "2026-03-01T12:00:05Z P: 2 files\n";
    strictEqual(world.stderrText(), expected);
  }
});

Deno.test("off a terminal work that is done in five seconds prints nothing, however long the run", async () => {
  const world = { ...testWorld({ commands: [] }), json: false, jsonMessages: false };
  const meter = new Meter(world.clock);
  const progress = startProgress(world, "P", meter);
  for (let batch = 0; batch < 5; batch++) {
    meter.reset();
    meter.count("files");
    await world.clock.sleep(4_000);
    meter.count("files");
  }
  await progress.end();
  strictEqual(world.stderrText(), "");
});

Deno.test("counts, sizes and durations read well", () => {
  strictEqual(formatCount(1234567), "1,234,567");
  strictEqual(formatCount(12345678901234567890n), "12,345,678,901,234,567,890");
  strictEqual(counted(1, "dead letter"), "1 dead letter");
  strictEqual(counted(0n, "dead letter"), "0 dead letters");
  strictEqual(counted(1_000, "batch", "batches"), "1,000 batches");
  strictEqual(formatSize(999), "999 B");
  strictEqual(formatSize(1_234_567), "1.2 MB");
  strictEqual(formatDuration(340), "340ms");
  strictEqual(formatDuration(2_340), "2.3s");
  strictEqual(formatDuration(65_000), "1m 5s");
  strictEqual(formatDuration(3_660_000), "1h 1m");
  strictEqual(formatDuration(90_000_000), "1d 1h");
});
