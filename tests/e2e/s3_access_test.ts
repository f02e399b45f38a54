import { match, ok, strictEqual } from "node:assert/strict";
import { minioTest } from "../support/minio.ts";
import { assumeRole } from "../support/minio_session.ts";
import { streamlab, succeed } from "./program.ts";
import { type S3Place, startS3Place, useLake } from "./s3_lake.ts";

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
      const session = await assumeRole(place.minio);
      await Deno.mkdir(`${folder}/home/.aws`, { recursive: true });
      await Deno.writeTextFile(
        `${folder}/home/.aws/config`,
        `[profile lab]\nregion = us-east-1\nservices = minio\n[services minio]\ns3 =\n  endpoint_url = ${place.minio.endpoint}\n`,
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

minioTest(
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
          strictEqual(outcome.stderr.trimEnd().split("\n").length, 2, outcome.stderr);
        }
      }
      place.proxy.decide = undefined;
    }),
);
