/**
 * The batch protocol of docs/exactly-once.md as a state machine, small enough that every state it
 * can get into is looked at: processes that plan, route and commit, and may crash or stand still at
 * every step; records that are forgotten; snapshots that expire; files that land late; dead letters
 * that are judged again, and whole files.
 */

import { type Exploration, exploreStates, type Machine, Shared, type Step, textOf } from "./explore.ts";

/** The rules that make it safe; a test takes each of them away. */
export interface Rules {
  /** A table that has batch N is left alone, by the very metadata that the commit builds on. */
  checksMarker: boolean;
  /** The marker is a table property, not only in a snapshot's summary, which expires. */
  markerOutlivesSnapshots: boolean;
  /** The ledger is committed after the other two. */
  ledgerLast: boolean;
  /** A batch is committed from the record that stands, never routed anew. */
  usesStandingRecord: boolean;
  /** A batch is judged by its plan's contract, not by that of the run. */
  keepsPlannedContract: boolean;
  /** The ledger is asked whether it lacks the batch, after its record was read. */
  asksLedgerAgain: boolean;
  /** Of a replay: no letter goes before its event is there. */
  removesAfterEvents: boolean;
  /** Of a replay: its letters go in the commit that has its marker. */
  removesWithMarker: boolean;
  /** Of a reingest: the earlier rows go in the commit that brings the new ones. */
  replacesRows: boolean;
}

export const allRules: Rules = {
  checksMarker: true,
  markerOutlivesSnapshots: true,
  ledgerLast: true,
  usesStandingRecord: true,
  keepsPlannedContract: true,
  asksLedgerAgain: true,
  removesAfterEvents: true,
  removesWithMarker: true,
  replacesRows: true,
};

/**
 * By contract 1 the file's one record is an event, by contract 2 a dead letter; or it is the same
 * by both.
 */
type RawFile = "event" | "letter" | "disputed";
type Contract = 1 | 2;
type Role = "events" | "letters" | "ledger";

type Job = "new files" | "letters" | "ingested files";

interface Plan {
  /** Those whose letters are judged again, where it is a replay. */
  files: number[];
  contract: Contract;
  of: Job;
}

/**
 * What routing made: which files' rows go where, which letters go away, and which files' rows of
 * earlier batches go out of both tables.
 */
type Routed = Record<Role | "gone" | "replaced", number[]>;

interface Table {
  /** How often each file's row is in it. */
  rows: number[];
  marker: number;
}

interface Process {
  at: "idle" | "planning" | "routing" | "recording" | "asking" | "committing";
  batch: number;
  plan: Plan | null;
  routed: Routed | null;
  /** The tables that are still to be committed to. */
  left: Role[];
}

export interface State {
  landed: number;
  tables: Record<Role, Table>;
  plans: (Plan | null)[];
  routed: (Routed | null)[];
  processes: Process[];
  crashesLeft: number;
}

export interface Model {
  files: RawFile[];
  /** One process for each, with that contract. */
  contracts: Contract[];
  /**
   * Those of them that replay dead letters, and that ingest files again; the others consume. All
   * finish what is planned.
   */
  replayers?: number[];
  reingesters?: number[];
  batchesMax: number;
  crashesMax: number;
  rules: Rules;
}

/** A model, and the plans and results that its states share. */
interface World extends Model {
  plans: Shared<Plan>;
  results: Shared<Routed>;
}

/**
 * Looks at every state that can be reached, breadth first, so that a failure is the shortest one.
 */
export function explore(model: Model): Exploration {
  return exploreStates(protocol(model));
}

export function protocol(model: Model): Machine<State> {
  const world: World = { ...model, plans: new Shared(), results: new Shared() };
  return {
    start: initialState(model),
    brokenInvariant,
    steps: (state) => steps(world, state),
    key: (state) => keyOf(world, state),
  };
}

function initialState({ files, contracts, batchesMax, crashesMax }: Model): State {
  const table = (): Table => ({ rows: files.map(() => 0), marker: 0 });
  return {
    landed: 1,
    tables: { events: table(), letters: table(), ledger: table() },
    plans: Array(batchesMax + 1).fill(null),
    routed: Array(batchesMax + 1).fill(null),
    processes: contracts.map(() => idle),
    crashesLeft: crashesMax,
  };
}

const idle: Process = { at: "idle", batch: 0, plan: null, routed: null, left: [] };

/** A step may change all of it but plans, results and lists of what is left, which it replaces. */
function copyOf({ landed, tables, plans, routed, processes, crashesLeft }: State): State {
  const copyTable = ({ rows, marker }: Table): Table => ({ rows: rows.slice(), marker });
  const { events, letters, ledger } = tables;
  return {
    landed,
    tables: { events: copyTable(events), letters: copyTable(letters), ledger: copyTable(ledger) },
    plans: plans.slice(),
    routed: routed.slice(),
    processes: processes.map((process) => ({ ...process })),
    crashesLeft,
  };
}

/** The state after a change of it. */
function change(name: string, state: State, apply: (copy: State) => void): Step<State> {
  const copy = copyOf(state);
  apply(copy);
  return { name, state: copy };
}

const PLACES: Process["at"][] = ["idle", "planning", "routing", "recording", "asking", "committing"];
const LEFT: Record<Role, number> = { events: 1, letters: 2, ledger: 4 };

function keyOf({ plans, results }: World, state: State): string {
  const { events, letters, ledger } = state.tables;
  const numbers = [state.landed, state.crashesLeft, events.marker, letters.marker, ledger.marker];
  numbers.push(...events.rows, ...letters.rows, ...ledger.rows);
  for (const plan of state.plans) numbers.push(plans.number(plan));
  for (const routed of state.routed) numbers.push(results.number(routed));
  for (const { at, batch, plan, routed, left } of state.processes) {
    let tables = 0;
    for (const role of left) tables += LEFT[role];
    numbers.push(PLACES.indexOf(at), batch, plans.number(plan), results.number(routed), tables);
  }
  return textOf(numbers);
}

/**
 * No row is there twice, and what the ledger has is in the tables: at any moment, whoever stands
 * still. While a replay is half committed, its events are letters still; of a reingest, the letters
 * that become events are there twice for so long, and those that were events not at all.
 */
function brokenInvariant({ tables: { events, letters, ledger }, landed, routed }: State): string | undefined {
  const { gone = [], replaced = [] } = routed[ledger.marker + 1] ?? {};
  const isHalf = events.marker > ledger.marker && letters.marker <= ledger.marker;
  for (let file = 0; file < landed; file++) {
    if (isHalf && replaced.includes(file)) continue;
    const moving = gone.includes(file) && events.rows[file] === 1 && letters.rows[file] === 1 ? 1 : 0;
    const rows = events.rows[file]! + letters.rows[file]! - moving;
    if (letters.rows[file]! < 0) return `the letter of file ${file} is removed twice`;
    if (rows > 1) return `file ${file} is in the tables ${rows} times`;
    if (ledger.rows[file]! > 1) return `file ${file} is in the ledger ${ledger.rows[file]} times`;
    if (ledger.rows[file]! === 1 && rows === 0) return `file ${file} is in the ledger, and its row is lost`;
  }
  return undefined;
}

function* steps(model: World, state: State): Iterable<Step<State>> {
  if (state.landed < model.files.length) yield change("a file lands", state, (copy) => copy.landed++);
  for (let batch = 1; batch <= Math.min(model.batchesMax, state.tables.ledger.marker); batch++) {
    if (state.plans[batch] === null && state.routed[batch] === null) continue;
    yield change(`the records of batch ${batch} are forgotten`, state, (copy) => {
      copy.plans[batch] = null;
      copy.routed[batch] = null;
    });
  }
  if (!model.rules.markerOutlivesSnapshots) {
    for (const role of ["events", "letters"] as const) {
      if (state.tables[role].marker === 0) continue;
      yield change(`snapshots of ${role} expire`, state, (copy) => copy.tables[role].marker = 0);
    }
  }
  for (const [number, process] of state.processes.entries()) {
    if (process.at !== "idle" && state.crashesLeft > 0) {
      yield change(`process ${number} crashes`, state, (copy) => {
        copy.processes[number] = idle;
        copy.crashesLeft--;
      });
    }
    for (const role of nextRoles(model.rules, process)) {
      yield change(`process ${number}: ${role}`, state, (copy) => commitNext(model.rules, copy, number, role));
    }
    const name = `process ${number}: ${process.at}`;
    const moved = copyOf(state);
    if (move(model, moved, number)) yield { name, state: moved };
  }
}

/** The next step of a process. False where there is nothing for it to do. */
function move(model: World, state: State, number: number): boolean {
  const { rules } = model;
  const process = state.processes[number]!;
  const { batch } = process;
  const contract = model.contracts[number]!;
  switch (process.at) {
    case "idle":
      return look(model, state, number);
    case "planning":
      process.plan = state.plans[batch] ??= process.plan;
      process.at = "routing";
      return true;
    case "routing": {
      const standing = rules.usesStandingRecord ? state.routed[batch]! : null;
      const by = rules.keepsPlannedContract ? process.plan!.contract : contract;
      process.routed = standing ?? model.results.one(route(model.files, { ...process.plan!, contract: by }));
      process.at = standing === null ? "recording" : "asking";
      return true;
    }
    case "recording":
      if (!rules.usesStandingRecord) state.routed[batch] = process.routed;
      process.routed = state.routed[batch] ??= process.routed;
      process.at = "asking";
      return true;
    case "asking":
      if (rules.asksLedgerAgain && state.tables.ledger.marker >= batch) state.processes[number] = idle;
      else Object.assign(process, { at: "committing", left: ["events", "letters", "ledger"] });
      return true;
    case "committing":
      return false;
  }
}

/**
 * The tables that a process may commit to next: events and dead letters are committed at the same
 * time, but for those of batches that take rows away.
 */
function nextRoles(rules: Rules, { left, plan }: Process): Role[] {
  if (plan?.of !== "new files" && rules.removesAfterEvents && left.includes("events")) return ["events"];
  return rules.ledgerLast && left.length > 1 ? left.filter((role) => role !== "ledger") : left;
}

function commitNext(rules: Rules, state: State, number: number, role: Role): void {
  const { routed, batch, left } = state.processes[number]!;
  const gone = role === "letters" ? routed!.gone : [], replaced = role === "ledger" ? [] : routed!.replaced;
  commit(rules, state.tables[role], { rows: routed![role], gone, replaced }, batch, role === "ledger");
  if (left.length === 1) state.processes[number] = idle;
  else state.processes[number]!.left = left.filter((other) => other !== role);
}

/**
 * Reads the ledger, lists the files or reads the letters, and decides on a plan; or finds the plan
 * of another.
 */
function look(model: World, state: State, number: number): boolean {
  const { files: all, contracts, batchesMax } = model;
  const { ledger, letters } = state.tables;
  const batch = ledger.marker + 1;
  if (batch > batchesMax) return false;
  const standing = state.plans[batch]!;
  const contract = contracts[number]!, of = jobOf(model, number);
  const isWanted = (rows: number, file: number) => {
    if (of === "letters") return letters.rows[file]! > 0 && isEvent(all[file]!, contract);
    return of === "ingested files" ? rows > 0 : rows === 0 && file < state.landed;
  };
  const files = ledger.rows.flatMap((rows, file) => isWanted(rows, file) ? [file] : []);
  if (standing === null && files.length === 0) return false;
  const plan = standing ?? model.plans.one({ files, contract, of });
  state.processes[number] = { at: standing === null ? "planning" : "routing", batch, plan, routed: null, left: [] };
  return true;
}

function jobOf({ replayers = [], reingesters = [] }: Model, number: number): Job {
  if (replayers.includes(number)) return "letters";
  return reingesters.includes(number) ? "ingested files" : "new files";
}

function isEvent(file: RawFile, contract: Contract): boolean {
  return file === "event" || (file === "disputed" && contract === 1);
}

function route(all: readonly RawFile[], { files, contract, of }: Plan): Routed {
  const events = files.filter((file) => isEvent(all[file]!, contract));
  if (of === "letters") return { events, letters: [], ledger: [], gone: events, replaced: [] };
  const letters = files.filter((file) => !events.includes(file));
  // The ledger's lines of the new rows and of the old ones cancel out.
  if (of === "ingested files") return { events, letters, ledger: [], gone: [], replaced: files };
  return { events, letters, ledger: files, gone: [], replaced: [] };
}

/**
 * One atomic step, as the catalog's compare-and-swap makes it. A table without new rows is not
 * touched, but for the ledger.
 */
function commit(
  rules: Rules,
  table: Table,
  { rows, gone, replaced }: Record<"rows" | "gone" | "replaced", number[]>,
  batch: number,
  isLedger: boolean,
): void {
  if (rows.length + gone.length + replaced.length === 0 && !isLedger) return;
  const isDone = table.marker >= batch;
  if (!isDone || !rules.removesWithMarker) { for (const file of gone) table.rows[file]!--; }
  // Rows of earlier batches: where the batch is done, there are none.
  if (!isDone && rules.replacesRows) { for (const file of replaced) table.rows[file] = 0; }
  if ((rules.checksMarker || isLedger) && isDone) return;
  for (const file of rows) table.rows[file]!++;
  table.marker = Math.max(table.marker, batch);
}
