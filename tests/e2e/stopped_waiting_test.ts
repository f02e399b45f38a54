import { match, strictEqual } from "node:assert/strict";
import { inFolder, killQuietly, startStreamlab } from "./program.ts";

Deno.test("who stops consume does not wait for a queue that does not answer", () =>
  inFolder(async (folder) => {
    const asked = Promise.withResolvers<void>(), ended = Promise.withResolvers<Response>();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
      asked.resolve();
      return ended.promise;
    });
    const { port } = server.addr;
    const args = ["--raw", "s3://bucket/events", "--sink", "lake", "--create"];
    const child = startStreamlab(folder, ["consume", ...args, "--notifications", `sqs://127.0.0.1:${port}/0/events`], {
      env: {
        AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY: "a secret key",
        AWS_REGION: "eu-central-1",
        AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      },
    });
    try {
      const output = child.output();
      await Promise.race([asked.promise, output]);
      killQuietly(child, "SIGINT");
      const { code, stderr } = await output;
      match(new TextDecoder().decode(stderr), / Stopped waiting: nothing was ingested\n$/);
      strictEqual(code, 130);
    } finally {
      killQuietly(child);
      await child.stdin.close();
      ended.resolve(new Response());
      await server.shutdown();
    }
  }));
