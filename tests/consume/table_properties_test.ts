import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { parseContract } from "../../core/contract/json_schema.ts";
import { commitTable } from "../../core/iceberg/commit.ts";
import { systemClock } from "../../core/base/clock.ts";
import { setProperties } from "../../core/iceberg/action/set_properties.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { readFooter, type ThriftStruct } from "../tables/parquet/thrift_value.ts";
import { ConsumeWorld } from "./consume_world.ts";

const TABLE = { namespace: ["bronze"], name: "events" };
const contract = parseContract(`{"type":"object","properties":{"id":{"type":"integer"},"text":{"type":"string"}}}`);
const DELTA_BINARY_PACKED = 5;
const RECORDS = 300;

interface DataFile {
  bytes: number;
  /** By the name of the column: its ColumnMetaData in the first row group. */
  columns: Map<string, ThriftStruct>;
}

/** Puts files of records with a kilobyte of digits each, which compress to half of it. */
function putFiles(world: ConsumeWorld, name: string, count: number): void {
  for (let file = 0; file < count; file++) {
    const lines = Array.from({ length: RECORDS }, (_, id) => {
      const text = world.random.bytes(512).toHex();
      return JSON.stringify({ id: id * 7, text });
    });
    world.put(`${name}-${file}.ndjson`, lines.join("\n"));
  }
}

/** What a batch wrote to the table of events. */
async function dataFiles(world: ConsumeWorld, properties: Record<string, string>, files: number): Promise<DataFile[]> {
  putFiles(world, "first", 1);
  await world.consume({ contract });
  const before = await paths(world);
  await commitTable(world.catalog, TABLE, (each) => each.add(setProperties(properties)), {
    clock: systemClock,
    random: world.random,
  });
  putFiles(world, "second", files);
  await world.consume({ contract, threads: 1 });
  return (await paths(world)).filter((path) => !before.includes(path)).map((path) => {
    const bytes = Deno.readFileSync(path);
    const [group] = readFooter(bytes)[4] as ThriftStruct[];
    const columns = (group![1] as ThriftStruct[]).map((chunk) => chunk[3] as ThriftStruct);
    const nameOf = (column: ThriftStruct) => new TextDecoder().decode((column[3] as Uint8Array[])[0]);
    return { bytes: bytes.length, columns: new Map(columns.map((column) => [nameOf(column), column])) };
  });
}

async function paths(world: ConsumeWorld): Promise<string[]> {
  const { io, metadata } = (await world.catalog.loadTable(TABLE))!;
  const { files } = await planScan(io, metadata);
  return files.map(({ dataFile }) => world.store.localPath(io.location.pathOf(dataFile.path))!);
}

Deno.test("a data file ends when it has reached the table's target size, and not long after", () =>
  ConsumeWorld.use(async (world) => {
    const target = 1_000_000;
    const sizes = (await dataFiles(world, { "write.target-file-size-bytes": `${target}` }, 24))
      .map(({ bytes }) => bytes).sort((a, b) => b - a);
    ok(sizes.length >= 3, `${sizes}`);
    ok(sizes.slice(0, -1).every((bytes) => bytes >= target), `${sizes}`);
    ok(sizes[0]! < 2 * target, `${sizes}`);
  }));

Deno.test("a target size that is no size is refused by name", () =>
  ConsumeWorld.use(async (world) => {
    await rejects(dataFiles(world, { "write.target-file-size-bytes": "1GB" }, 1), {
      kind: "usage",
      message: /the table's property write\.target-file-size-bytes is "1GB"/,
    });
  }));

Deno.test("Bloom filters, and an encoding that some readers lack, are written where properties ask for them", () =>
  ConsumeWorld.use(async (world) => {
    const asked = {
      "write.parquet.bloom-filter-enabled.column.id": "true",
      "write.parquet.delta-encoding-enabled": "true",
    };
    const facts = (file: DataFile | undefined, column: string) => {
      const { 2: encodings, 15: bloomBytes } = file!.columns.get(column)!;
      return [(encodings as number[]).includes(DELTA_BINARY_PACKED), bloomBytes !== undefined];
    };
    const [plain] = await dataFiles(world, {}, 1);
    deepStrictEqual([facts(plain, "id"), facts(plain, "text")], [[false, false], [false, false]]);
    await ConsumeWorld.use(async (other) => {
      const [file] = await dataFiles(other, asked, 1);
      deepStrictEqual([facts(file, "id"), facts(file, "text")], [[true, true], [false, false]]);
    });
  }));
