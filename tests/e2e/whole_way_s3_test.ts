import { deepStrictEqual } from "node:assert/strict";
import { s3Test, startS3 } from "../support/s3_servers.ts";
import { countTruth, type Dispositions } from "./dispositions.ts";
import { inFolder, succeed } from "./program.ts";

s3Test("on a bucket the whole way is what it is on disk", async () => {
  const server = await startS3();
  try {
    const lake = `s3://${await server.makeBucket()}/some lake`;
    await inFolder(async (folder) => {
      const env = {
        AWS_ENDPOINT_URL: server.endpoint,
        AWS_REGION: "us-east-1",
        AWS_ACCESS_KEY_ID: server.settings.credentials!.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.settings.credentials!.secretAccessKey,
        XDG_CACHE_HOME: Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/tmp"}/.cache`,
      };
      const produce = [
        "produce",
        "--sink",
        lake,
        "--batches",
        "12",
        "--batch-size",
        "50",
        "--interval",
        "0",
        "--dirty",
      ];
      await succeed(folder, [...produce, "--seed", "4", "--start", "2026-03-01", "--truth", "truth.ndjson"], { env });
      const truth = await countTruth(`${folder}/truth.ndjson`);
      const count = async () => {
        const sql = `select 'event' as kind, count(*)::int as n from bronze.events
          union all select _dead_letter_reason, count(*)::int from dead_letters.events group by all`;
        const answer = await succeed(folder, ["query", "--source", lake, "--format", "json", sql], { env });
        const rows = JSON.parse(answer) as { kind: keyof Dispositions; n: number }[];
        return Object.fromEntries(rows.map(({ kind, n }) => [kind, n]));
      };
      const expected = Object.fromEntries(Object.entries(truth).filter(([, n]) => n > 0));
      for (
        const args of [["consume", "--once"], ["consume", "--once"], ["maintain", "--all"], ["maintain", "--audit"]]
      ) {
        await succeed(folder, [...args, "--source", lake], { env });
        deepStrictEqual(await count(), expected, `after ${args.join(" ")}`);
      }
    });
  } finally {
    await server.stop();
  }
});
