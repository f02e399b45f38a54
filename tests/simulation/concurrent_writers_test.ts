import { deepStrictEqual as assertEquals } from "node:assert/strict";
import { livePaths, withBench } from "../iceberg/sample_table.ts";

const writers = 20;
const appendsEach = 50;

Deno.test("twenty processes append fifty times each, and every one of the thousand commits is there", () =>
  withBench(async (bench, folder) => {
    await bench.create([], { "write.metadata.previous-versions-max": "20" });
    const worker = new URL("append_worker.ts", import.meta.url).pathname;
    const running = Array.from({ length: writers }, (_, i) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", worker, folder, String(i), String(appendsEach)],
        stdout: "piped",
        stderr: "piped",
      }).output());
    for (const { success, stderr } of await Promise.all(running)) {
      assertEquals(success, true, new TextDecoder().decode(stderr));
    }
    const table = await bench.load();
    const total = writers * appendsEach;
    assertEquals(table.metadata.snapshots.length, total);
    assertEquals(table.metadata.lastSequenceNumber, BigInt(total));
    assertEquals(new Set(await livePaths(table)).size, total);
    assertEquals(table.metadata.snapshots.at(-1)!.summary["total-records"], String(3 * total));
    const isLine = table.metadata.snapshots.every((snapshot, i, all) =>
      snapshot.parentSnapshotId === all[i - 1]?.snapshotId
    );
    assertEquals(isLine, true);
    const files = [...Deno.readDirSync(`${folder}/warehouse/bronze/events/metadata`)].map((entry) => entry.name);
    assertEquals(files.filter((name) => /^v\d+\./.test(name)).length, 21);
    assertEquals(
      await Deno.readTextFile(`${folder}/warehouse/bronze/events/metadata/version-hint.text`),
      String(total + 1),
    );
  }));
