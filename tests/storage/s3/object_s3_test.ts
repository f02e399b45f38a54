import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { CreateMultipartUploadCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { PutObjectCommandInput } from "@aws-sdk/client-s3";
import { systemClock } from "../../../core/base/clock.ts";
import { StreamlabError } from "../../../core/base/errors.ts";
import { seededRandom } from "../../../core/base/random.ts";
import type { S3Settings } from "../../../core/storage/s3/settings.ts";
import { openS3Store } from "../../../core/storage/s3/s3_store.ts";
import type { Store } from "../../../core/storage/store.ts";
import { startMinio } from "../../support/minio.ts";
import type { S3Server } from "../../support/s3_server.ts";
import { isMinio, minioTest, s3Test, startS3 } from "../../support/s3_servers.ts";
import { bytes, pathsOf, text } from "../conformance_case.ts";

const region = "eu-central-1";

async function open(server: S3Server, settings: Partial<S3Settings> = {}, prefix = ""): Promise<Store> {
  return await openS3Store({ kind: "s3", bucket: await server.makeBucket(), prefix }, {
    clock: systemClock,
    random: seededRandom(1),
    settings: { ...server.settings, region, ...settings },
    limits: { transient: { attemptsMax: 1, delayMsMin: 1, delayMsMax: 1 } },
  });
}

async function openssl(folder: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", { args, cwd: folder, stderr: "piped" }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** A certificate for this machine, signed by a certificate authority that only `ca.crt` knows. */
async function makeCertificates(folder: string): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl(
    folder,
    "req",
    "-x509",
    ...key,
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-subj",
    "/CN=streamlab test",
    "-days",
    "2",
  );
  await openssl(folder, "req", ...key, "-keyout", "private.key", "-out", "request", "-subj", "/CN=127.0.0.1");
  await Deno.writeTextFile(`${folder}/names`, "subjectAltName=IP:127.0.0.1,DNS:localhost");
  const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2"];
  await openssl(folder, "x509", "-req", "-in", "request", "-out", "public.crt", ...signed);
}

minioTest(
  "TLS with a certificate authority of one's own works when it is named, and is refused when it is not",
  async () => {
    const folder = await Deno.makeTempDir();
    await makeCertificates(folder);
    const minio = await startMinio({
      args: ["--certs-dir", folder],
      scheme: "https",
      env: { MINIO_SITE_REGION: region },
    });
    try {
      const store = await open(minio, { ca: await Deno.readTextFile(`${folder}/ca.crt`) });
      await store.write("x", bytes("safe"));
      strictEqual(await store.create("v1", bytes("safe")), true);
      strictEqual(text(await store.read("x")), "safe");
      await rejects(async () => (await open(minio)).read("x"), (error) => {
        match((error as StreamlabError).message, /no trusted TLS connection to https:\/\/127/);
        match((error as StreamlabError).hint ?? "", /AWS_CA_BUNDLE/);
        return true;
      });
    } finally {
      await minio.stop();
      await Deno.remove(folder, { recursive: true });
    }
  },
);

/** Puts an object as other tools do. */
async function putForeign(
  server: S3Server,
  store: Store,
  object: Omit<PutObjectCommandInput, "Bucket">,
): Promise<void> {
  const client = new S3Client({ ...server.settings, region });
  await client.send(new PutObjectCommand({ Bucket: store.root.split("/")[2], ...object }));
  client.destroy();
}

s3Test("what others configured and uploaded is taken as it is", async (t) => {
  const server = await startS3({ region });
  await t.step({
    name: "the wrong region is told with the right one",
    ignore: !isMinio,
    fn: async () => {
      const store = await open(server, { region: "us-east-1" });
      await rejects(() => store.write("x", bytes("1")), (error) => {
        match((error as StreamlabError).message, /another region than us-east-1 .*eu-central-1/);
        return true;
      });
    },
  });
  await t.step("objects that were uploaded as gzip come as they are stored", async () => {
    const store = await open(server);
    const packed = new Response(new Blob(["[{}]"]).stream().pipeThrough(new CompressionStream("gzip")));
    const content = await packed.bytes();
    await putForeign(server, store, { Key: "raw/x.json.gz", Body: content, ContentEncoding: "gzip" });
    deepStrictEqual(await store.read("raw/x.json.gz"), content);
    deepStrictEqual(await store.readRange("raw/x.json.gz", 0, 3), content.slice(0, 3));
  });
  await t.step("folders that a console made are no files", async () => {
    const store = await open(server);
    await putForeign(server, store, { Key: "raw/events/", Body: new Uint8Array() });
    await store.write("raw/events/x.json", bytes("[]"));
    deepStrictEqual(await pathsOf(store, ""), ["raw/events/x.json"]);
  });
  await t.step("an upload that somebody left unfinished is shown, and can be discarded", async () => {
    const store = await open(server, {}, "lake");
    const client = new S3Client({ ...server.settings, region });
    const object = { Bucket: store.root.split("/")[2], Key: "lake/w/t/part" };
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(object));
    client.destroy();
    // MinIO shows uploads by their whole key only.
    const unfinished = await Array.fromAsync(store.listUnfinished("w/t/part"));
    deepStrictEqual(unfinished.map(({ path, uploadId }) => ({ path, uploadId })), [{
      path: "w/t/part",
      uploadId: UploadId,
    }]);
    ok(unfinished[0]!.startedMs > 0);
    await store.discardUnfinished(unfinished);
    await store.discardUnfinished(unfinished);
    deepStrictEqual(await Array.fromAsync(store.listUnfinished("w/t/part")), []);
  });
  await server.stop();
});
