import { StreamlabError } from "../core/base/errors.ts";
import type { RecordFormat } from "../core/lake/durable_record.ts";
import type { Context } from "./line/command.ts";

/** The task that another streamlab gives on standard input. */
export async function readTask<T extends { format: number }>(
  { stdin }: Pick<Context, "stdin">,
  format: RecordFormat<T>,
): Promise<T> {
  const { parseRecord } = await import("../core/lake/durable_record.ts");
  const text = await new Response(stdin).text();
  if (text.trim() !== "") return parseRecord(format, text, "on standard input");
  throw new StreamlabError("usage", "there is no task on standard input", { hint: "This command is for programs" });
}
