import { StreamlabError } from "../../../core/base/errors.ts";
import { parseContract } from "../../../core/contract/json_schema.ts";
import { defaultContract } from "../../../core/contract/default_contract.ts";
import type { Catalog, LoadedTable, TableCommit } from "../../../core/iceberg/catalog/catalog.ts";
import { identifierText } from "../../../core/iceberg/catalog/catalog.ts";
import { recordAt } from "../../../core/lake/layout.ts";
import { streamlabKey } from "../../../core/lake/keys.ts";
import type { Store } from "../../../core/storage/store.ts";
import type { FaultChances } from "../../support/simulated_faults.ts";
import { losingNumbers } from "../../support/losing_numbers.ts";
import type { DataRows } from "./data_rows.ts";
import { LedgerView } from "./ledger_view.ts";
import type { Tools } from "./life.ts";
import type { Rewriting } from "../../../core/maintain/compaction/rewriting.ts";
import type { Surroundings } from "../../../core/maintain/surroundings.ts";
import { LightRouter } from "./light_router.ts";

/**
 * The protocol with one of its rules broken, by something between the program and its store or
 * catalog. A simulation that finds nothing wrong with one of these would prove nothing about the
 * protocol either.
 */
export interface Mutation {
  name: string;
  /** What makes it show sooner. */
  chances?: FaultChances;
  /** One that found it when it was last looked for, and is run before the others; default: 1. */
  race?: number;
  /** See `RaceOptions`. */
  compacts?: boolean;
  merges?: boolean;
  upkeeps?: boolean;
  dedupes?: boolean;
  removes?: boolean;
  grows?: boolean;
  replays?: boolean;
  reingests?: boolean;
  upserts?: boolean;
  tools(rows: DataRows): Partial<Tools>;
}

const target = "bronze.events";
const batchKey = streamlabKey.batchId(target);

export const mutations: Mutation[] = [
  {
    name: "the marker is not looked at when a commit is tried",
    tools: () => ({
      catalog: (catalog) =>
        withLoaded(catalog, (table) =>
          isLedger(table) ? table : withProperties(table, (properties) => {
            const { [batchKey]: _marker, ...rest } = properties;
            return rest;
          })),
    }),
  },
  { name: "the ledger is committed first", tools: () => ({ catalog: ledgerFirst }) },
  {
    name: "files are renamed into place instead of linked",
    tools: () => ({
      store: (store) =>
        withMethods(store, {
          async create(path, bytes) {
            if (await store.stat(path) !== undefined) return false;
            await store.write(path, bytes);
            return true;
          },
        }),
    }),
  },
  {
    name: "the plan is not durable before routing",
    race: 17,
    chances: { delay: 0.2, delayMsMax: 3_000 },
    tools: () => ({ store: planLate }),
  },
  {
    name: "the marker is only in snapshot summaries, and snapshots expire",
    race: 87,
    tools: () => ({
      catalog: (catalog) =>
        withLoaded(catalog, (table) =>
          withProperties(table, (properties) => {
            const { [batchKey]: _marker, ...rest } = properties;
            const marker = table.metadata.snapshots.findLast((snapshot) => snapshot.summary?.[batchKey] !== undefined);
            return marker === undefined ? rest : { ...rest, [batchKey]: marker.summary![batchKey]! };
          })),
    }),
  },
  {
    name: "after a crash a batch is routed again, by the contract of the day",
    tools: (rows) => ({
      router: (store) => {
        const router = new LightRouter(store);
        // Who comes second has the other contract.
        const isSecond = /[13579]$/.test(store.process);
        return {
          close: () => {},
          route: (plan, tables) => router.route(isSecond ? { ...plan, contract: otherContract } : plan, tables),
        };
      },
      known: () => new LedgerView(rows, target),
      store: forgetful,
    }),
  },
  {
    name: "repeats are looked for in a table that another consumer has written to since",
    dedupes: true,
    tools: (rows) => ({
      router: (store) => {
        const router = new LightRouter(store, undefined, rows);
        let first: LoadedTable | undefined;
        return {
          close: () => {},
          route: (plan, tables) => {
            const { io, metadata } = first ??= tables.events;
            const events = { ...tables.events, io, metadata };
            return router.route(plan, { ...tables, events });
          },
        };
      },
    }),
  },
  {
    name: "repeats are decided upon again after a crash",
    dedupes: true,
    tools: () => ({ store: forgetful }),
  },
  {
    name: "a second attempt writes files under the names of the first",
    race: 54,
    tools: () => ({ router: (store) => new LightRouter(store, () => "000000000000") }),
  },
  {
    name: "a refused create counts as lost without reading back",
    chances: { twice: 0.3 },
    tools: () => ({
      store: (store) =>
        withMethods(store, {
          async create(path, bytes) {
            if (!path.endsWith(".metadata.json")) return await store.create(path, bytes);
            const won = await store.create(path, bytes).catch(() => false);
            if (won) return true;
            throw new StreamlabError("conflict", "Lost");
          },
        }),
    }),
  },
  {
    name: "a version hint goes backwards",
    upkeeps: false,
    tools: () => ({ store: blindAfterHint }),
  },
  {
    name: "compaction ignores a delete that landed meanwhile",
    compacts: true,
    tools: () => ({
      rewriting: plannedFromNewest,
    }),
  },
  {
    name: "compaction ignores a batch that landed meanwhile",
    upkeeps: true,
    tools: () => ({ catalog: replacesAnything }),
  },
  {
    name: "an expiry forgets tags and branches",
    upkeeps: true,
    tools: () => ({
      catalog: (catalog) =>
        withLoaded(catalog, (table) => {
          const refs = Object.fromEntries(Object.entries(table.metadata.refs).filter(([name]) => name === "main"));
          return { ...table, metadata: { ...table.metadata, refs } };
        }),
    }),
  },
  {
    name: "merged manifests lose a sequence number",
    merges: true,
    tools: () => ({
      catalog: (catalog) => withLoaded(catalog, (table) => ({ ...table, io: losingNumbers(table.io) })),
    }),
  },
  {
    name: "orphan removal fences no commit before it takes its manifests",
    upkeeps: false,
    tools: () => ({
      catalog: (catalog) =>
        withCatalog(catalog, {
          async commit(commit) {
            const isFence = commit.updates.some((update) =>
              update.action === "add-snapshot" && streamlabKey.fencedFiles in update.snapshot.summary
            );
            return isFence ? commit.base : await catalog.commit(commit);
          },
        }),
    }),
  },
  {
    name: "orphan removal asks nobody what is under way",
    upkeeps: false,
    tools: () => ({
      store: (store) =>
        withMethods(store, {
          list(prefix, options) {
            return store.list(prefix === "checkpoints/" ? "nothing/" : prefix, options);
          },
        }),
    }),
  },
];

/** Expired snapshots' files are written down only when their commit has happened. */
export const listsLate = (store: Store): Store =>
  withMethods(store, {
    async write(path, bytes) {
      if (recordAt(path)?.kind === "removal" && !JSON.parse(new TextDecoder().decode(bytes)).released) return;
      await store.write(path, bytes);
    },
  });

/** By this contract nothing is an event. */
const otherContract = (() => {
  const json = JSON.parse(defaultContract().text);
  json.properties.event_id.minLength = 100;
  return parseContract(JSON.stringify(json)).text;
})();

/**
 * As if the work had been planned from the version that the commit builds on, where the delete is:
 * what was planned is given that version's sequence number once the rows are rewritten.
 */
function plannedFromNewest(rewriting: Rewriting, { catalog }: Surroundings): Rewriting {
  return {
    resolveDeletes: (table, files) => rewriting.resolveDeletes(table, files),
    close: () => rewriting.close(),
    rewriterOf(table) {
      const rewriter = rewriting.rewriterOf(table);
      return {
        folderOf: (group) => rewriter.folderOf(group),
        prefetch: (group) => rewriter.prefetch(group),
        settle: () => rewriter.settle(),
        async rewrite(group, stem) {
          const files = await rewriter.rewrite(group, stem);
          const newest = await catalog.loadTable(table.identifier);
          if (newest !== undefined) {
            table.metadata = { ...table.metadata, lastSequenceNumber: newest.metadata.lastSequenceNumber };
          }
          return files;
        },
      };
    },
  };
}

/** A replacement is made the newest snapshot, whatever has come since it was built. */
function replacesAnything(catalog: Catalog): Catalog {
  return withCatalog(catalog, {
    async commit(commit) {
      const isReplacement = commit.updates.some((update) =>
        update.action === "add-snapshot" && update.snapshot.summary.operation === "replace"
      );
      if (!isReplacement) return await catalog.commit(commit);
      const base = (await catalog.loadTable(commit.identifier))!;
      const { currentSnapshotId, lastSequenceNumber } = base.metadata;
      const updates = commit.updates.map((update) =>
        update.action === "add-snapshot"
          ? {
            ...update,
            snapshot: {
              ...update.snapshot,
              parentSnapshotId: currentSnapshotId,
              sequenceNumber: lastSequenceNumber + 1n,
            },
          }
          : update
      );
      return await catalog.commit({ ...commit, base, updates, requirements: [] });
    },
  });
}

/** Of the store these methods are others. */
export function withMethods(store: Store, methods: Partial<Store>): Store {
  return new Proxy(store, {
    get(inner, key) {
      const method = methods[key as keyof Store];
      if (method !== undefined) return method;
      const value = Reflect.get(inner, key, inner);
      return typeof value === "function" ? value.bind(inner) : value;
    },
  });
}

export function withLoaded(catalog: Catalog, change: (table: LoadedTable) => LoadedTable): Catalog {
  return withCatalog(catalog, {
    async loadTable(identifier) {
      const table = await catalog.loadTable(identifier);
      return table && change(table);
    },
    commit: async (commit) => change(await catalog.commit(commit)),
  });
}

export function withCatalog(catalog: Catalog, methods: Partial<Catalog>): Catalog {
  return new Proxy(catalog, {
    get(inner, key) {
      const method = methods[key as keyof Catalog];
      if (method !== undefined) return method;
      const value = Reflect.get(inner, key, inner);
      return typeof value === "function" ? value.bind(inner) : value;
    },
  });
}

function withProperties(
  table: LoadedTable,
  change: (properties: Record<string, string>) => Record<string, string>,
): LoadedTable {
  return { ...table, metadata: { ...table.metadata, properties: change(table.metadata.properties) } };
}

function isLedger(table: LoadedTable): boolean {
  return identifierText(table.identifier) === "ingest.files";
}

/** Keeps batches for events and dead letters back until the ledger has them. */
function ledgerFirst(catalog: Catalog): Catalog {
  let waiting: TableCommit[] = [];
  return withCatalog(catalog, {
    async commit(commit) {
      const isBatch = commit.updates.some((update) => update.action === "set-properties" && batchKey in update.updates);
      if (!isBatch) return await catalog.commit(commit);
      if (identifierText(commit.identifier) !== "ingest.files") {
        waiting.push(commit);
        return commit.base!;
      }
      const ledger = await catalog.commit(commit);
      for (const late of waiting.splice(0)) await catalog.commit(late);
      waiting = [];
      return ledger;
    },
  });
}

/** What a batch was routed to is known to nobody who comes later. */
export function forgetful(store: Store): Store {
  return withMethods(store, {
    async read(path, options) {
      if (path.endsWith(".routed.json")) throw new StreamlabError("not-found", "Forgotten");
      return await store.read(path, options);
    },
    async create(path, bytes) {
      if (!path.endsWith(".routed.json")) return await store.create(path, bytes);
      await store.write(path, bytes);
      return true;
    },
  });
}

/** Writes plans only when their batches are routed. */
function planLate(store: Store): Store {
  const plans = new Map<string, Uint8Array>();
  return withMethods(store, {
    async create(path, bytes) {
      if (path.endsWith(".plan.json") && await store.stat(path) === undefined) {
        plans.set(path, bytes);
        return true;
      }
      const plan = path.replace(".routed.", ".plan.");
      const late = plans.get(plan);
      if (late !== undefined) await store.create(plan, late);
      return await store.create(path, bytes);
    },
  });
}

/** Sees no versions right after a version hint was written. */
function blindAfterHint(store: Store): Store {
  let isBlind = false;
  return withMethods(store, {
    async write(path, bytes) {
      await store.write(path, bytes);
      isBlind = path.endsWith("version-hint.text");
    },
    list(prefix, options) {
      const shown = isBlind && prefix.endsWith("/metadata/v") ? "nothing/" : prefix;
      isBlind = false;
      return store.list(shown, options);
    },
  });
}
