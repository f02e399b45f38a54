/** What a thread of `ReaderPool` runs. */
import { StreamlabError } from "../../base/errors.ts";
import { EventReader, type ReaderStart } from "./event_reader.ts";
import type { Failure, ReadResult, Survey, Work, WrittenEvents } from "./reading.ts";

export type Order = { kind: "start"; start: ReaderStart } | Work;

export type Answer =
  /** So many records have been read since the last time. */
  | { kind: "records"; count: number }
  | { kind: "done"; result: ReadResult | WrittenEvents | Survey[] }
  | { kind: "failed"; failure: Failure };

interface WorkerScope {
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(answer: Answer): void;
}

const scope = self as unknown as WorkerScope;
let reader: EventReader | undefined;

scope.onmessage = async ({ data }) => {
  if (data.kind === "start") {
    reader = new EventReader(data.start);
    return;
  }
  try {
    const result = await reader!.run(data, (count) => scope.postMessage({ kind: "records", count }));
    scope.postMessage({ kind: "done", result });
  } catch (error) {
    scope.postMessage({ kind: "failed", failure: failureOf(error) });
  }
};

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack } = error;
  if (error instanceof StreamlabError) return { name, message, stack, kind: error.kind, hint: error.hint };
  return { name: error instanceof Deno.errors.NotFound ? "NotFound" : name, message, stack };
}
