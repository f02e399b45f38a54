import { StreamlabError } from "../../base/errors.ts";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { ObjectAccess } from "../store.ts";
import { DEFAULT_S3_LIMITS, S3Connection } from "./connection.ts";
import { readOwnS3Settings } from "./settings.ts";

/**
 * The region and the credentials that this process has for buckets, by variables, profile or role,
 * for another service of the same account. Asked for each time, because those of a session expire.
 */
export async function openOwnAccess(
  { clock, random }: { clock: Clock; random: Random },
): Promise<() => Promise<ObjectAccess>> {
  const settings = await readOwnS3Settings();
  const connection = new S3Connection("", settings, DEFAULT_S3_LIMITS, { clock, random, readsByClient: true });
  return async () => {
    try {
      return await connection.access();
    } catch (error) {
      if (!(error instanceof StreamlabError)) throw error;
      const { kind, message, hint } = error;
      const state = message.replace(/^Cannot open "[^"]*": /, "");
      throw new StreamlabError(kind, `Cannot sign requests to AWS: ${state}`, { hint, cause: error });
    }
  };
}
