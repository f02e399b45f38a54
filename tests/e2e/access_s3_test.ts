import { match, ok, strictEqual } from "node:assert/strict";
import { findHttpfs } from "../support/httpfs.ts";
import { assumeRole } from "../support/minio_session.ts";
import { canRunS3, minioTest, s3Test, startS3 } from "../support/s3_servers.ts";
import { inFolder, messageLines, programLine, streamlab, succeed } from "./program.ts";
import { denoFolder, type S3Place, startS3Place, useLake } from "./s3_lake.ts";

let place: S3Place;
Deno.test.beforeAll(async () => {
  place = (await startS3Place())!;
});
Deno.test.afterAll(() => place?.stop());

const commandsFor = (uri: string): string[][] => [
  ["produce", "--batches", "2", "--interval", "0", "--sink", uri],
  ["consume", "--once", "--source", uri],
  ["query", "--source", uri, "select count(*)::int as n from bronze.events"],
  ["maintain", "--status", "--source", uri],
];

minioTest(
  "a profile with an endpoint, a region and the keys of a session is all that a command needs, and nobody sees them",
  () =>
    useLake(place, async ({ folder, uri, env }) => {
      const session = await assumeRole(place.server);
      await Deno.mkdir(`${folder}/home/.aws`, { recursive: true });
      await Deno.writeTextFile(
        `${folder}/home/.aws/config`,
        `[profile lab]\nregion = us-east-1\nservices = minio\n[services minio]\ns3 =\n  endpoint_url = ${place.server.endpoint}\n`,
      );
      const lines = [
        `aws_access_key_id = ${session.accessKeyId}`,
        `aws_secret_access_key = ${session.secretAccessKey}`,
        `aws_session_token = ${session.sessionToken}`,
      ];
      await Deno.writeTextFile(`${folder}/home/.aws/credentials`, `[lab]\n${lines.join("\n")}\n`);
      const unset = Object.fromEntries(Object.keys(env).filter((name) => name.startsWith("AWS_")).map((n) => [n, ""]));
      const profiled = { ...env, ...unset, HOME: `${folder}/home`, AWS_PROFILE: "lab" };
      let said = "";
      for (const command of commandsFor(uri)) {
        const { status, stdout, stderr } = await streamlab(folder, [...command, "--debug"], { env: profiled });
        strictEqual(status, 0, `${command.join(" ")}: ${stderr}`);
        said += stdout + stderr;
      }
      match(said, /\b20\b/);
      for (const secret of [session.secretAccessKey, session.sessionToken]) ok(!said.includes(secret));
      const stale = { ...env, AWS_ACCESS_KEY_ID: session.accessKeyId, AWS_SECRET_ACCESS_KEY: session.secretAccessKey };
      for (const command of commandsFor(uri)) {
        const outcome = await streamlab(folder, command, { env: { ...stale, AWS_SESSION_TOKEN: "a-stale-token" } });
        strictEqual(outcome.status, 1);
        match(outcome.stderr, /the session token has expired or is not valid\n.*AWS_SESSION_TOKEN\n$/);
      }
    }),
);

s3Test(
  "a wrong clock, a wrong region and missing rights each have their own message, for every command",
  () =>
    useLake(place, async ({ folder, uri, env }) => {
      for (const command of commandsFor(uri).slice(0, 2)) await succeed(folder, command, { env });
      const refusals = [
        [403, "RequestTimeTooSkewed", /this machine's clock differs too much from that of http.*\n {2}Set the clock/],
        [301, "PermanentRedirect", /the bucket is in another region than us-east-1.*\n {2}Set AWS_REGION/],
        [400, "AuthorizationHeaderMalformed", /the bucket is in another region than us-east-1.*\n {2}Set AWS_REGION/],
        [403, "AccessDenied", /access denied \(403 .*\n {2}Give these credentials the rights/],
      ] as const;
      for (const [status, code, said] of refusals) {
        place.proxy.decide = () => ({ do: "answer", when: "before", status, code });
        for (const command of commandsFor(uri)) {
          const outcome = await streamlab(folder, command, { env });
          strictEqual(outcome.status, 1, `${code} ${command.join(" ")}: ${outcome.stderr}${outcome.stdout}`);
          match(outcome.stderr, said);
          match(outcome.stderr, /Cannot [^"]+ "s3:\/\/bucket-\d+/);
          strictEqual(messageLines(outcome).length, 2, outcome.stderr);
        }
      }
      place.proxy.decide = undefined;
    }),
);

/**
 * As root, or in a name space of its own where that is allowed; false where it is not, and must not
 * be.
 */
function canMount(): boolean {
  if (Deno.env.get("STREAMLAB_REQUIRE_ALL") === "1") return true;
  try {
    return new Deno.Command("unshare", { args: [...unshare, "true"], stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

const unshare = Deno.uid() === 0 ? ["--mount"] : ["--user", "--map-root-user", "--mount"];

Deno.test({
  name: "with virtual-host addresses the bucket stands in the host's name, for every command and for DuckDB",
  ignore: !canRunS3() || !canMount(),
  fn: () =>
    inFolder(async (folder) => {
      const server = await startS3({ domain: "s3.test" });
      const { accessKeyId, secretAccessKey } = server.settings.credentials!;
      try {
        // No name server knows of these: the file of hosts is another one for the program.
        await Deno.writeTextFile(`${folder}/hosts`, "127.0.0.1 localhost\n127.0.0.1 s3.test\n127.0.0.1 lake.s3.test\n");
        await server.makeBucket("lake");
        const { port } = new URL(server.endpoint);
        const env = {
          NO_COLOR: "1",
          DENO_DIR: denoFolder,
          XDG_CACHE_HOME: `${folder}/cache`,
          AWS_ENDPOINT_URL: `http://s3.test:${port}`,
          AWS_S3_FORCE_PATH_STYLE: "false",
          AWS_REGION: "us-east-1",
          AWS_ACCESS_KEY_ID: accessKeyId,
          AWS_SECRET_ACCESS_KEY: secretAccessKey,
          STREAMLAB_HTTPFS: await findHttpfs() ?? "off",
        };
        const commands = [
          "produce --batches 4 --batch-size 5000 --interval 0 --seed 1 --start 2026-03-01 --sink s3://lake/a --dirty",
          "consume --once --source s3://lake/a",
          "maintain --all --older-than 0s --retain-last 1 --source s3://lake/a",
          "maintain --audit --source s3://lake/a",
          `query --source s3://lake/a --format csv "select count(*), min(event_type) from bronze.events"`,
        ];
        const line = commands.map((command) => `${programLine} ${command}`).join(" && ");
        const { success, stdout, stderr } = await new Deno.Command("unshare", {
          args: [...unshare, "sh", "-c", `mount --bind hosts /etc/hosts && ${line}`],
          cwd: folder,
          env,
        }).output();
        const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
        ok(success, said);
        match(said, /^1\d,?\d{3},add_to_cart$/m);
      } finally {
        await server.stop();
      }
    }),
});
