// deno-lint-ignore-file no-console
/**
 * `deno task minio`: a MinIO without Docker, as compose.yaml's: the bucket `lake`, on the address and with the credentials that
 * `--source s3` takes where nothing else is said. It is found on the PATH, or built by Go, once. Until Ctrl-C; its data stay in lake/minio.
 */
import { findMinio } from "../tests/support/minio.ts";

const folder = "lake/minio";
const address = "127.0.0.1:9000";
const program = await findMinio();
// On one drive a folder is a bucket.
await Deno.mkdir(`${folder}/lake`, { recursive: true });
console.log(`MinIO on http://${address}, console on http://127.0.0.1:9001, user and password minioadmin`);
const server = new Deno.Command(program, {
  args: ["server", folder, "--address", address, "--console-address", "127.0.0.1:9001", "--quiet"],
  env: { MINIO_ROOT_USER: "minioadmin", MINIO_ROOT_PASSWORD: "minioadmin" },
  stdin: "null",
}).spawn();
// Ctrl-C reaches both; the server ends first.
Deno.addSignalListener("SIGINT", () => {});
const { code } = await server.status;
Deno.exit(code);
