/** Metadata, manifest lists, manifests, hints and catalogs' answers as damaged or hostile input. */
import { deepStrictEqual, match, ok, rejects } from "node:assert/strict";
import * as zlib from "node:zlib";
import { isKind, StreamlabError } from "../../core/base/errors.ts";
import { type Random, seededRandom } from "../../core/base/random.ts";
import { FileCatalog } from "../../core/iceberg/catalog/file_catalog.ts";
import { RestCatalog } from "../../core/iceberg/catalog/rest_catalog.ts";
import type { Catalog } from "../../core/iceberg/catalog/catalog.ts";
import { advanceVersionHint } from "../../core/iceberg/catalog/version_hint.ts";
import { reachableFiles } from "../../core/iceberg/reachable_files.ts";
import { planScan } from "../../core/iceberg/scan/scan.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { mutateBytes, mutateJson } from "../support/mutate.ts";
import { say } from "../support/say.ts";
import { withSeed } from "../support/seed.ts";
import { isThorough } from "../support/thorough.ts";
import { type Bench, identifier, withBench } from "./sample_table.ts";

const FOLDER = "warehouse/bronze/events/metadata";
const FILES = 6;
const RUNS = isThorough ? 2_000 : 120;

/** A table of three snapshots and six files; the newest of each kind of metadata file. */
async function withTable(
  action: (bench: Bench, paths: Record<"metadata" | "list" | "manifest" | "hint", string>) => Promise<void>,
): Promise<void> {
  await withBench(async (bench) => {
    let table = await bench.create();
    for (const day of [1, 2, 3]) table = await bench.append(bench.file(table, day), bench.file(table, day));
    const { location } = table.io;
    const list = table.metadata.snapshots.at(-1)!.manifestList!;
    const [manifest] = await table.io.readManifestList(table.metadata.snapshots.at(-1));
    await action(bench, {
      metadata: `${FOLDER}/v4.metadata.json`,
      list: location.pathOf(list),
      manifest: location.pathOf(manifest!.path),
      hint: `${FOLDER}/version-hint.text`,
    });
  });
}

/** How many files a reader finds, by a full scan, by a filtered one, and by all that is named. */
async function look(catalog: Catalog): Promise<[scan: number, filtered: number]> {
  const table = await catalog.loadTable(identifier);
  if (table === undefined) throw new Error("the table is gone");
  const { io, metadata } = table;
  await reachableFiles(io, metadata);
  const predicate = { op: ">=", column: "id", value: 0n } as const;
  const filtered = await planScan(io, metadata, { predicate });
  return [(await planScan(io, metadata)).files.length, filtered.files.length];
}

const fileCatalog = ({ store }: Bench) => new FileCatalog({ store, clock: new ManualClock(), random: seededRandom(1) });

/** Either the right answer, or one of our own errors that says where; true where it was refused. */
async function isRefused(answer: () => Promise<unknown>): Promise<boolean> {
  try {
    deepStrictEqual(await answer(), [FILES, FILES]);
    return false;
  } catch (error) {
    if (!(error instanceof StreamlabError) || error.kind === "internal") throw error;
    match(error.message, /^Cannot /);
    return true;
  }
}

async function fuzz(
  what: string,
  random: Random,
  mutate: (random: Random) => Promise<() => Promise<unknown>>,
): Promise<void> {
  let refused = 0;
  for (let run = 0; run < RUNS; run++) if (await isRefused(await mutate(random))) refused++;
  say(`${RUNS} mutations of ${what}: ${refused} refused, ${RUNS - refused} read rightly`);
  ok(refused > 0);
}

Deno.test("mutated metadata files, manifest lists and manifests are refused or read rightly, never as less", () =>
  withSeed((random) =>
    withTable(async (bench, paths) => {
      for (const kind of ["metadata", "list", "manifest"] as const) {
        const good = await bench.store.read(paths[kind]);
        await fuzz(`a ${kind} file, by bytes`, random, async () => {
          await bench.store.write(paths[kind], mutateBytes(random, good));
          return () => look(fileCatalog(bench));
        });
        await bench.store.write(paths[kind], good);
      }
      const text = new TextDecoder().decode(await bench.store.read(paths.metadata));
      await fuzz("a metadata file, by its fields", random, async () => {
        await bench.store.write(paths.metadata, new TextEncoder().encode(mutateJson(random, text)));
        return () => look(fileCatalog(bench));
      });
      const packed = zlib.gzipSync(text);
      await fuzz("a compressed metadata file", random, async () => {
        await bench.store.write(paths.metadata, mutateBytes(random, packed));
        return () => look(fileCatalog(bench));
      });
    })
  ));

Deno.test("a hint that is damaged is written anew, whatever stands in it", () =>
  withSeed((random) =>
    withTable(async (bench, paths) => {
      const hints = [
        "",
        "x",
        "0x10",
        "1e9",
        "-4",
        "9".repeat(9),
        "9".repeat(400),
        "99",
        "04",
        "4\n",
        "\ufeff4",
        "Infinity",
      ];
      const texts = [
        ...hints,
        ...Array.from({ length: 100 }, () => mutateBytes(random, new TextEncoder().encode("4"))),
      ];
      for (const text of texts) {
        await bench.store.write(paths.hint, typeof text === "string" ? new TextEncoder().encode(text) : text);
        deepStrictEqual(await look(fileCatalog(bench)), [FILES, FILES]);
        await advanceVersionHint(bench.store, "warehouse/bronze/events", 4, false);
        deepStrictEqual(await bench.store.read(paths.hint), new TextEncoder().encode("4"));
      }
      say(`${texts.length} damaged hints`);
    })
  ));

Deno.test("mutated answers of a catalog are refused or read rightly", () =>
  withSeed((random) =>
    withTable(async (bench, paths) => {
      const metadata = new TextDecoder().decode(await bench.store.read(paths.metadata));
      const answers = {
        config: '{"defaults":{"a":"b"},"overrides":{"prefix":"p"},"endpoints":["GET /v1/{prefix}/namespaces"]}',
        table:
          `{"metadata-location":"file:///x/v4.metadata.json","config":{"a":"b"},"storage-credentials":[{"prefix":"s3:","config":{"s3.session-token":"t"}}],"metadata":${metadata}}`,
      };
      const asking = (mutated: string | Uint8Array, kind: keyof typeof answers) => async () => {
        const answer = (url: string) => {
          const asked = url.includes("/config") ? "config" : "table";
          return asked === kind ? mutated : answers[asked];
        };
        const catalog = await RestCatalog.connect({
          uri: "http://catalog",
          clock: new ManualClock(),
          random: seededRandom(1),
          fetch: ((url: string) => Promise.resolve(new Response(answer(url) as BodyInit))) as typeof fetch,
          openTable: () => Promise.resolve({ store: bench.store, folder: "warehouse/bronze/events" }),
        });
        return await look(catalog);
      };
      for (const kind of ["config", "table"] as const) {
        const bytes = new TextEncoder().encode(answers[kind]);
        await fuzz(`a catalog's ${kind}, by bytes`, random, () =>
          Promise.resolve(asking(mutateBytes(random, bytes), kind)));
        await fuzz(`a catalog's ${kind}, by its fields`, random, () =>
          Promise.resolve(asking(mutateJson(random, answers[kind]), kind)));
      }
    })
  ));

Deno.test("metadata that is nothing but deep, long or packed is refused", () =>
  withTable(async (bench, paths) => {
    const deep = (open: string, close: string, levels: number) => open.repeat(levels) + "1" + close.repeat(levels);
    const text = new TextDecoder().decode(await bench.store.read(paths.metadata));
    const withField = (json: string) => text.replace("{", `{"x":${json},`);
    const refusals: [what: string, bytes: string | Uint8Array, message: RegExp][] = [
      ["zeros", zlib.gzipSync(new Uint8Array(300_000_000)), /it unpacks to more than 134 MB/],
      ["cut", zlib.gzipSync(text).subarray(0, 300), /unexpected end of file/],
      ["lists in lists", withField(deep("[", "]", 100_000)), /nested more than 500 levels deep/],
      ["objects in objects", withField(deep('{"a":', "}", 100_000)), /nested more than 500 levels deep/],
      ["digits", withField("9".repeat(1_000_000)), /an integer has 1000000 digits/],
      ["nulls for snapshots", text.replace('"snapshots":[', '"snapshots":[null,'), /"?snapshot"? must be an object/],
      [
        "a snapshot id of 70 bits",
        text.replace(/"current-snapshot-id":\d+/, `"current-snapshot-id":${2n ** 70n}`),
        /must be an integer/,
      ],
      [
        "a current snapshot of nothing",
        text.replace(/"current-snapshot-id":\d+/, '"current-snapshot-id":12345'),
        /12345 is not in it/,
      ],
      [
        "no current snapshot",
        text.replace(/,"current-snapshot-id":\d+/, ""),
        /of main is another than the current one/,
      ],
      ["snapshots without lists", text.replaceAll('"manifest-list"', '"manifest-lists"'), /"manifests" must be a list/],
      ["no UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), /it is no UTF-8/],
    ];
    for (const [what, bytes, message] of refusals) {
      await bench.store.write(paths.metadata, typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
      await rejects(look(fileCatalog(bench)), (error) => {
        ok(isKind(error, "corrupt"), `${what}: ${Deno.inspect(error)}`);
        match(error.message, message);
        ok(error.message.length < 1_000);
        return true;
      }, what);
    }
  }));

Deno.test("a version beyond all numbers of commits is told, and nothing counts up to it", () =>
  withTable(async (bench, paths) => {
    const good = await bench.store.read(paths.metadata);
    for (const version of ["9007199254740993", "2147483648", "9".repeat(200)]) {
      const path = `${FOLDER}/v${version}.metadata.json`;
      await bench.store.write(path, good);
      await rejects(
        look(fileCatalog(bench)),
        /Cannot find the newest version of a table: .*v\d+\.metadata\.json has the name of an impossible version/,
      );
      await rejects(bench.append(), /Cannot find the newest version/);
      deepStrictEqual(await fileCatalog(bench).listTables(["bronze"]), [identifier]);
      await Deno.remove(bench.store.localPath(path)!);
    }
    deepStrictEqual(await look(fileCatalog(bench)), [FILES, FILES]);
  }));

Deno.test("a list or manifest that is cut where a block ends is no smaller table", () =>
  withTable(async (bench, paths) => {
    for (const kind of ["list", "manifest"] as const) {
      const good = await bench.store.read(paths[kind]);
      // The sync marker stands at the end of the header and of each block.
      const sync = good.subarray(-16);
      const end = good.findIndex((_, at) => sync.every((byte, i) => good[at + i] === byte)) + 16;
      ok(end < good.length);
      await bench.store.write(paths[kind], good.slice(0, end));
      await rejects(look(fileCatalog(bench)), (error) => {
        ok(isKind(error, "corrupt"), Deno.inspect(error));
        match(error.message, kind === "list" ? /it has 0 of its 3 manifests/ : /and \d+ in the manifest list$/);
        return true;
      });
      await bench.store.write(paths[kind], good);
    }
  }));
