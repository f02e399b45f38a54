import type { RouteOptions } from "../route_options.ts";
import type { LocalRawFile } from "../raw_file.ts";
import type { Placing, ReadUnit, Survey } from "./reading.ts";

/** Bytes of events for each packed one, roughly: a guess of size before anything is unpacked. */
const PACKED_RATIO = 8;

/** By what files are read. */
export interface UnitRules extends Pick<RouteOptions, "recordsAt" | "onEmpty" | "judgesAll"> {
  /** What the file's path says of its records. */
  membersOf(file: LocalRawFile): string;
}

/** A whole file. */
export function unitOf(file: LocalRawFile, rules: UnitRules): ReadUnit {
  const { number, name, path, offset = 0, size, packed, format } = file;
  const bare = { number, name, path, offset, size, packed, position: 0 };
  const areLines = format === "ndjson", { judgesAll } = rules;
  const placing = placingOf(file, rules);
  if (placing !== undefined) return { ...bare, how: areLines ? "placed-lines" : "placed", placing };
  return { ...bare, how: areLines ? (judgesAll ? "exact-lines" : "lines") : judgesAll ? "exact-json" : "json" };
}

/** The pieces that are to be read of a file. */
export function piecesOf(file: LocalRawFile, rules: UnitRules): ReadUnit[] {
  const { number, name, path, offset = 0, pieces } = file;
  const placing = placingOf(file, rules);
  return pieces!.map((piece): ReadUnit => {
    const unit = { ...piece, number, name, path, offset: offset + piece.offset };
    return placing !== undefined && piece.how.startsWith("envelope-") ? { ...unit, placing } : unit;
  });
}

/** Undefined where records are read as they stand. */
function placingOf(file: LocalRawFile, { recordsAt, onEmpty, judgesAll, membersOf }: UnitRules): Placing | undefined {
  const members = membersOf(file);
  return recordsAt === undefined && members === "" ? undefined : { recordsAt, members, onEmpty, judgesAll };
}

export interface SurveyOptions extends Pick<RouteOptions, "judgesAll" | "limits" | "readers" | "scratch"> {
  /** What the threads must be rid of before they look through anything. */
  beforehand?: () => Promise<void>;
}

/** Large ones are cut, what is packed is unpacked for that. */
export async function surveyUnits(
  units: readonly ReadUnit[],
  { judgesAll, limits, readers, scratch, beforehand }: SurveyOptions,
): Promise<ReadUnit[]> {
  const isLarge = (unit: ReadUnit) => sizeOf(unit) > limits.wholeFileBytes;
  // The exact way takes files of any size, but none that is packed.
  const isSurveyed = judgesAll ? ({ packed }: ReadUnit) => packed !== undefined : isLarge;
  const surveyed = units.filter(isSurveyed);
  if (surveyed.length === 0) return [...units];
  const folder = scratch.subfolder("unpacked");
  const work = { kind: "survey", units: bySize(surveyed), limits, folder, next: counter() } as const;
  await beforehand?.();
  const surveys = await readers.run<Survey[]>(work, bytesOf(surveyed));
  return [...surveys.flat().flatMap(({ units: parts }) => parts), ...units.filter((unit) => !isSurveyed(unit))];
}

/** About as many bytes as there will be to read. */
function sizeOf({ size, packed }: ReadUnit): number {
  return packed === undefined ? size : size * PACKED_RATIO;
}

export function bytesOf(units: readonly ReadUnit[]): number {
  return units.reduce((sum, unit) => sum + sizeOf(unit), 0);
}

/** The largest first. */
export function bySize(units: readonly ReadUnit[]): ReadUnit[] {
  return [...units].sort((a, b) => sizeOf(b) - sizeOf(a));
}

/** That threads count by, from 0. */
export function counter(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}
