import { type Exploration, exploreStates, type Machine, Shared, type Step, textOf } from "./explore.ts";

/**
 * Upserts as a state machine (docs/exactly-once.md, "Rows that make way"): consumers that decide
 * what comes, record it, look up what goes and commit both; a maintainer that moves rows to other
 * places meanwhile; and crashes at every step.
 */

/** The rules that make it safe; a test takes each of them away. */
export interface UpsertRules {
  /** What comes is decided by a table that was read after the ledger. */
  readsTableAfterLedger: boolean;
  /** What goes is looked up in the version that the commit builds on. */
  looksUpForEachTry: boolean;
  /** What is newer than a record is told by the records that removed keys, too. */
  remembersRemoved: boolean;
  /** Of several records of a key in one batch the newest comes. */
  comparesWithinBatch: boolean;
  /** A table that has batch N is left alone, by the very metadata that the commit builds on. */
  checksMarker: boolean;
  /** What goes is counted by the commit that takes it away. */
  countsInCommit: boolean;
}

export const allUpsertRules: UpsertRules = {
  readsTableAfterLedger: true,
  looksUpForEachTry: true,
  remembersRemoved: true,
  comparesWithinBatch: true,
  checksMarker: true,
  countsInCommit: true,
};

export interface ChangeRecord {
  key: string;
  time: number;
  removes?: boolean;
}

export interface UpsertModel {
  /** What the files of each batch hold. */
  batches: ChangeRecord[][];
  consumers: number;
  crashesMax: number;
  compactionsMax: number;
  rules: UpsertRules;
}

/** A record by its number in all batches. */
type Id = number;

interface Routed {
  rows: Id[];
  tombstones: Id[];
}

interface Table {
  version: number;
  marker: number;
  rows: { place: number; id: Id }[];
  tombstones: Id[];
  /** Rows that have gone, as the table's account says. */
  account: number;
}

interface Process {
  at: "idle" | "recording" | "looking" | "committing" | "counting" | "ledger";
  batch: number;
  routed: Routed | null;
  /** The table that the decision is made by, where it is not read anew. */
  first: Table | null;
  goes: number[];
  /** The version that these places are of. */
  of: number;
}

export interface State {
  table: Table;
  places: number;
  ledger: number;
  /** Records that became rows, by batches in the table. */
  came: number;
  routed: (Routed | null)[];
  consumers: Process[];
  /** The version that a compaction was planned from. */
  compacting: number | null;
  compactionsLeft: number;
  crashesLeft: number;
}

/** A step may change all of it but results and lists of what goes, which it replaces. */
function copyOf(state: State): State {
  return {
    ...state,
    table: copyTable(state.table),
    routed: state.routed.slice(),
    consumers: state.consumers.map((process) => ({ ...process })),
  };
}

function copyTable(table: Table): Table {
  return { ...table, rows: table.rows.map(({ place, id }) => ({ place, id })), tombstones: table.tombstones.slice() };
}

/** The state after a change of it. */
function change(name: string, state: State, apply: (copy: State) => void): Step<State> {
  const copy = copyOf(state);
  apply(copy);
  return { name, state: copy };
}

const PLACES: Process["at"][] = ["idle", "recording", "looking", "committing", "counting", "ledger"];

function tableNumbers({ version, marker, account, rows, tombstones }: Table): number[] {
  const numbers = [version, marker, account, rows.length, tombstones.length, ...tombstones];
  for (const { place, id } of rows) numbers.push(place, id);
  return numbers;
}

function idle(first: Table | null = null): Process {
  return { at: "idle", batch: 0, routed: null, first, goes: [], of: 0 };
}

/** Looks at every state that can be reached. */
export function exploreUpserts(model: UpsertModel): Exploration {
  return exploreStates(upserts(model));
}

export function upserts(model: UpsertModel): Machine<State> {
  const world = new UpsertWorld(model);
  return {
    start: world.start(),
    steps: (state) => world.steps(state),
    brokenInvariant: (state) => world.brokenInvariant(state),
    key: (state) => world.key(state),
  };
}

class UpsertWorld {
  readonly #model: UpsertModel;
  readonly #records: readonly ChangeRecord[];
  /** The numbers of each batch's records; batches count from 1. */
  readonly #ids: readonly Id[][];
  readonly #results = new Shared<Routed>();

  constructor(model: UpsertModel) {
    this.#model = model;
    this.#records = model.batches.flat();
    let next = 0;
    this.#ids = [[], ...model.batches.map((records) => records.map(() => next++))];
  }

  start(): State {
    const { batches, consumers, compactionsMax, crashesMax } = this.#model;
    return {
      table: { version: 0, marker: 0, rows: [], tombstones: [], account: 0 },
      places: 0,
      ledger: 0,
      came: 0,
      routed: [null, ...batches.map(() => null)],
      consumers: Array.from({ length: consumers }, () => idle()),
      compacting: null,
      compactionsLeft: compactionsMax,
      crashesLeft: crashesMax,
    };
  }

  key({ table, places, ledger, came, routed, consumers, compacting, compactionsLeft, crashesLeft }: State): string {
    const numbers = [places, ledger, came, compacting === null ? 0 : compacting + 1, compactionsLeft, crashesLeft];
    numbers.push(...tableNumbers(table));
    for (const result of routed) numbers.push(this.#results.number(result));
    for (const { at, batch, routed, first, goes, of } of consumers) {
      numbers.push(PLACES.indexOf(at), batch, this.#results.number(routed), of, goes.length, ...goes);
      numbers.push(...first === null ? [0] : [1, ...tableNumbers(first)]);
    }
    return textOf(numbers);
  }

  /** At any moment the table has the newest record of each key of its batches, and no other. */
  brokenInvariant({ table, came }: State): string | undefined {
    const newest = new Map<string, Id>();
    for (const id of this.#ids.slice(0, table.marker + 1).flat()) {
      const { key, time } = this.#records[id]!;
      const before = newest.get(key);
      if (before === undefined || time >= this.#records[before]!.time) newest.set(key, id);
    }
    const wanted = [...newest.values()].filter((id) => !this.#records[id]!.removes).sort();
    const rows = table.rows.map(({ id }) => id).sort();
    if (wanted.join() !== rows.join()) {
      return `after batch ${table.marker} the rows are records ${rows.join()}, and must be ${wanted.join()}`;
    }
    const gone = came - rows.length;
    return gone === table.account ? undefined : `${gone} rows have gone, and ${table.account} are counted`;
  }

  *steps(state: State): Iterable<Step<State>> {
    yield* this.#compaction(state);
    for (const [number, process] of state.consumers.entries()) {
      if (process.at !== "idle" && state.crashesLeft > 0) {
        yield change(`consumer ${number} crashes`, state, (copy) => {
          copy.consumers[number] = idle();
          copy.crashesLeft--;
        });
      }
      if (process.at === "idle" && state.ledger >= this.#model.batches.length) continue;
      yield change(`consumer ${number}: ${process.at}`, state, (copy) => this.#move(copy, number));
    }
  }

  *#compaction(state: State): Iterable<Step<State>> {
    const { compacting, compactionsLeft, table } = state;
    if (compacting === null && compactionsLeft > 0 && table.rows.length > 0) {
      yield change("a compaction begins", state, (copy) => {
        copy.compacting = table.version;
        copy.compactionsLeft--;
      });
    }
    if (compacting === null) return;
    yield change("the compaction ends", state, (copy) => {
      copy.compacting = null;
      if (compacting !== table.version) return;
      for (const row of copy.table.rows) row.place = copy.places++;
      copy.table.version++;
    });
  }

  #move(state: State, number: number): void {
    const process = state.consumers[number]!;
    switch (process.at) {
      case "idle":
        return this.#decide(state, process);
      case "recording":
        process.routed = state.routed[process.batch] ??= process.routed;
        process.at = "looking";
        return;
      case "looking":
        process.goes = this.#goes(state.table, process.routed!);
        process.of = state.table.version;
        process.at = "committing";
        return;
      case "committing":
        return this.#commit(state, process);
      case "counting":
        state.table.account += process.goes.length;
        process.at = "ledger";
        return;
      case "ledger":
        state.ledger = Math.max(state.ledger, process.batch);
        state.consumers[number] = idle(process.first);
        return;
    }
  }

  #decide(state: State, process: Process): void {
    const { readsTableAfterLedger } = this.#model.rules;
    const batch = state.ledger + 1;
    if (!readsTableAfterLedger) process.first ??= copyTable(state.table);
    const standing = state.routed[batch]!;
    process.batch = batch;
    process.routed = standing ?? this.#results.one(this.#route(process.first ?? state.table, batch));
    process.at = standing === null ? "recording" : "looking";
  }

  #route(table: Table, batch: number): Routed {
    const { remembersRemoved, comparesWithinBatch } = this.#model.rules;
    const ids = this.#ids[batch]!;
    const standing = [...table.rows.map(({ id }) => id), ...remembersRemoved ? table.tombstones : []];
    const comes = ids.filter((id) => {
      const { key, time } = this.#records[id]!;
      const isNewer = (other: Id) => this.#records[other]!.key === key && this.#records[other]!.time > time;
      const isLater = (other: Id) =>
        isNewer(other) || (other > id && this.#records[other]!.key === key && this.#records[other]!.time === time);
      return !standing.some(isNewer) && !(comparesWithinBatch && ids.some(isLater));
    });
    const removes = (id: Id) => this.#records[id]!.removes === true;
    return { rows: comes.filter((id) => !removes(id)), tombstones: comes.filter(removes) };
  }

  /** The places of rows that are no newer than what comes. */
  #goes(table: Table, routed: Routed): number[] {
    const coming = [...routed.rows, ...routed.tombstones].map((id) => this.#records[id]!);
    return table.rows.flatMap(({ place, id }) => {
      const { key, time } = this.#records[id]!;
      return coming.some((other) => other.key === key && other.time >= time) ? [place] : [];
    });
  }

  /** One atomic step, as the catalog's compare-and-swap makes it. */
  #commit(state: State, process: Process): void {
    const { table } = state;
    const { checksMarker, looksUpForEachTry, countsInCommit } = this.#model.rules;
    const { rows, tombstones } = process.routed!;
    process.at = "ledger";
    if ((checksMarker && table.marker >= process.batch) || rows.length + tombstones.length === 0) return;
    if (process.of !== table.version && looksUpForEachTry) {
      process.at = "looking";
      return;
    }
    table.rows = table.rows.filter(({ place }) => !process.goes.includes(place));
    for (const id of rows) table.rows.push({ place: state.places++, id });
    table.tombstones.push(...tombstones);
    table.version++;
    state.came += table.marker < process.batch ? rows.length : 0;
    table.marker = Math.max(table.marker, process.batch);
    if (countsInCommit) table.account += process.goes.length;
    else process.at = "counting";
  }
}
