/** Names of tables, and which tables the batches of a target write to. */
import { StreamlabError } from "../base/errors.ts";
import { foldName } from "../contract/field_names.ts";
import { identifierText, type TableIdentifier } from "../iceberg/catalog/catalog.ts";
import { streamlabKey } from "./keys.ts";

/** The target where no other is named. */
export const DEFAULT_TARGET: TableIdentifier = { namespace: ["bronze"], name: "events" };

/** What was ingested, a row a raw file of a batch; of all targets. */
export const LEDGER: TableIdentifier = { namespace: ["ingest"], name: "files" };

/** What batches and upkeep did: no tables of the catalog, but views that queries are offered. */
export const HISTORY_VIEWS = { batches: "ingest.batches", upkeep: "ingest.upkeep" } as const;

/**
 * A branch of a table with upserts, apart from `main`: the records that removed their keys, so that
 * an older one that comes later does not bring a key back.
 */
export const TOMBSTONES_BRANCH = "streamlab_tombstones";

export const TABLE_ROLES = ["events", "deadLetters", "ledger"] as const;
export type TableRole = typeof TABLE_ROLES[number];

const DEAD_LETTERS = "dead_letters";

/** Namespaces whose tables streamlab itself makes. */
const OUR_NAMESPACES = [DEAD_LETTERS, ...LEDGER.namespace];

type Properties = Readonly<Record<string, string>>;

/** `properties`: of the table of events, where it is there. */
export function identifiersOf(target: TableIdentifier, properties?: Properties): Record<TableRole, TableIdentifier> {
  const name = properties === undefined ? newLettersName(target) : lettersName(target, properties);
  return { events: target, deadLetters: lettersCalled(name), ledger: LEDGER };
}

/** Where lakes had them before the namespace was part of the name. */
export function formerLetters({ name }: TableIdentifier): TableIdentifier {
  return lettersCalled(name);
}

/** The property of a table of events that names its letters, from its first batch on. */
export function lettersProperty(target: TableIdentifier): Record<string, string> {
  return { [streamlabKey.deadLetters(identifierText(target))]: newLettersName(target) };
}

/** No two targets of one lake have the same, but for names with underscores, which are checked. */
function newLettersName({ namespace, name }: TableIdentifier): string {
  const of = namespace.join(".");
  return of === DEFAULT_TARGET.namespace.join(".") ? name : `${of}_${name}`;
}

/** A target that was made before its letters were named in a property keeps those that it has. */
function lettersName(target: TableIdentifier, properties: Properties): string {
  const text = identifierText(target);
  const isOld = properties[streamlabKey.sequenceId(text)] !== undefined;
  return properties[streamlabKey.deadLetters(text)] ?? (isOld ? target.name : newLettersName(target));
}

function lettersCalled(name: string): TableIdentifier {
  return { namespace: [DEAD_LETTERS], name };
}

/** Whether the table is one of dead letters. */
export function holdsDeadLetters({ namespace }: TableIdentifier): boolean {
  return namespace.join(".") === DEAD_LETTERS;
}

/** Namespaces whose tables are asked for at once. */
export const LISTED_PARALLEL = 8;

/** Whether a namespace holds streamlab's own tables, as far as case can tell. */
export function ownsNamespace(namespace: TableIdentifier["namespace"]): boolean {
  return OUR_NAMESPACES.includes(foldName(namespace.join(".")));
}

/** Refuses events for a table of streamlab's own, which they would spoil for every target. */
export function checkTargetName(target: TableIdentifier): void {
  if (!ownsNamespace(target.namespace)) return;
  throw new StreamlabError(
    "usage",
    `Cannot send events to ${identifierText(target)}: the namespace ${
      target.namespace.join(".")
    } holds streamlab's own tables`,
    { hint: "Name another table with --table, such as bronze.events" },
  );
}

/** Schemas of DuckDB's own: a table in a namespace of that name can never be queried. */
const DUCKDB_SCHEMAS = ["information_schema", "main", "memory", "pg_catalog", "system", "temp"];

/** What `query` calls the metadata of a table: `events$snapshots`. */
const METADATA_SUFFIX = /\$(files|history|manifests|partitions|refs|snapshots)$/i;

/**
 * Why a table of that name must not be made beside the tables that are there, or undefined where it
 * may: engines take names that differ in case alone for one.
 */
export function whyNotATarget(target: TableIdentifier, existing: readonly TableIdentifier[]): string | undefined {
  const namespace = target.namespace.join(".");
  if (DUCKDB_SCHEMAS.includes(foldName(namespace))) {
    return `${namespace} is a name of DuckDB's own, so it could never be queried`;
  }
  if (METADATA_SUFFIX.test(target.name)) return "its name is that of another table's metadata in queries";
  for (const other of existing) {
    const otherNamespace = other.namespace.join(".");
    if (foldName(otherNamespace) === foldName(namespace) && otherNamespace !== namespace) {
      return `the namespace ${otherNamespace} is there, which differs only in case`;
    }
    if (differInCase(target, other)) return `the table ${identifierText(other)} is there, which differs only in case`;
  }
  return whyNoLettersOf(target, existing);
}

/** Why the table of its dead letters must not be made, or undefined where it may. */
export function whyNoLettersOf(target: TableIdentifier, existing: readonly TableIdentifier[]): string | undefined {
  const { deadLetters } = identifiersOf(target);
  const clash = existing.find((other) => differInCase(deadLetters, other));
  return clash && `its dead letters would go to ${identifierText(deadLetters)}, which differs only in case from ` +
      identifierText(clash);
}

/** Tables whose dead letters, if they are targets, may go where the new target's would. */
export function mayShareLetters(target: TableIdentifier, existing: readonly TableIdentifier[]): TableIdentifier[] {
  const wanted = newLettersName(target);
  return existing.filter((other) =>
    identifierText(other) !== identifierText(target) && !ownsNamespace(other.namespace) &&
    (other.name === wanted || newLettersName(other) === wanted)
  );
}

function differInCase(a: TableIdentifier, b: TableIdentifier): boolean {
  const [one, other] = [identifierText(a), identifierText(b)];
  return one !== other && foldName(one) === foldName(other);
}
