import { StreamlabError } from "../base/errors.ts";
import { foreignHand } from "../disk/ownership.ts";
import { type Connection, type DuckDb, quoteText } from "./duckdb.ts";
import { SqlError } from "./sql_error.ts";

/** Where objects are and by which credentials; the service's own where `endpoint` is missing. */
export interface HttpfsAccess {
  endpoint?: string;
  region: string;
  forcePathStyle: boolean;
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  /** A file with the certificates to trust. */
  caFile?: string;
}

/**
 * Lets a database read `s3://` itself, by DuckDB's extension httpfs: `extension` is its file, else
 * the one that DuckDB has in its own folder of extensions is taken; nothing is downloaded. False if
 * none fits, or if it cannot get the credentials. Fails with `usage` if the named file does not
 * fit.
 */
export async function openHttpfs(
  database: DuckDb,
  access: HttpfsAccess,
  extension: string | undefined,
): Promise<boolean> {
  const url = access.endpoint === undefined ? undefined : new URL(access.endpoint);
  // An endpoint below a path is no host to it.
  if (url !== undefined && url.pathname !== "/") return false;
  // It follows redirects, and takes the token along in clear wherever they lead (1.5.5).
  if (url !== undefined && access.sessionToken !== undefined) return false;
  const { caFile, sessionToken } = access;
  const secret = [
    "TYPE s3",
    "PROVIDER config",
    `REGION ${quoteText(access.region)}`,
    `KEY_ID ${quoteText(access.accessKeyId)}`,
    `SECRET ${quoteText(access.secretAccessKey)}`,
    `URL_STYLE '${access.forcePathStyle ? "path" : "vhost"}'`,
    ...(sessionToken === undefined ? [] : [`SESSION_TOKEN ${quoteText(sessionToken)}`]),
    ...(url === undefined ? [] : [`ENDPOINT ${quoteText(url.host)}`, `USE_SSL ${url.protocol === "https:"}`]),
  ];
  const connection = await database.connect();
  try {
    const file = extension ?? await findInstalled(connection);
    if (file === undefined) return false;
    await load(connection, file);
    await connection.run("SET enable_server_cert_verification = true");
    // The other one would take the signature along, too.
    await connection.run("SET httpfs_client_implementation = 'curl'");
    if (caFile !== undefined) await connection.run(`SET ca_cert_file = ${quoteText(caFile)}`);
    await connection.run(`CREATE SECRET (${secret.join(", ")})`);
    return true;
  } catch (error) {
    // Its message may repeat the statement, and so the secret.
    if (error instanceof SqlError || (extension === undefined && error instanceof StreamlabError)) return false;
    throw error;
  } finally {
    connection.close();
  }
}

/**
 * It is code, so other users may not be able to write it or replace it. DuckDB checks its
 * signature, and then opens the file a second time.
 */
async function load(connection: Connection, extension: string): Promise<void> {
  const refused = (said: string) =>
    new StreamlabError("usage", `Cannot load DuckDB's extension httpfs from "${extension}": ${said}`, {
      hint: "Name the file that fits DuckDB 1.5.5 with STREAMLAB_HTTPFS; off does without it",
    });
  const hand = foreignHand(extension);
  if (hand !== undefined) throw refused(hand);
  try {
    await connection.run(`LOAD ${quoteText(extension)}`);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    throw refused(error.state);
  }
}

/** The file in DuckDB's own folder of extensions, if it exists and other users cannot change it. */
async function findInstalled(connection: Connection): Promise<string | undefined> {
  const [found] = await connection.rows(
    "SELECT install_path AS path FROM duckdb_extensions() WHERE extension_name = 'httpfs' AND installed",
  );
  const path = found?.path;
  return typeof path === "string" && path !== "" && foreignHand(path) === undefined ? path : undefined;
}
