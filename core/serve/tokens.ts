import { timingSafeEqual } from "node:crypto";
import { StreamlabError } from "../base/errors.ts";
import { sha256 } from "../base/sha256.ts";

/** Shorter ones can be guessed. */
const LETTERS_MIN = 16;
/** What an `Authorization` header can hold (RFC 6750, section 2.1). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** The bearer tokens that open a server; only their digests are kept. */
export class Tokens {
  readonly #digests: readonly Uint8Array[];

  /**
   * `text` has a token on each line; empty lines and those that begin with # do not count. `flag`
   * named the file.
   */
  constructor(text: string, flag = "--token-file") {
    const unusable = (why: string) => unusableTokens(flag, why);
    const tokens = text.split("\n").map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
    if (tokens.length === 0) throw unusable("it holds none");
    if (tokens.some((token) => token.length < LETTERS_MIN)) {
      throw unusable(`one is shorter than ${LETTERS_MIN} letters`);
    }
    if (tokens.some((token) => !TOKEN.test(token))) throw unusable("one holds a character that no token has");
    this.#digests = tokens.map(digestOf);
  }

  /** Takes the same time for every wrong token, however much of it is right. */
  accept(authorization: string | null): boolean {
    const token = /^Bearer +(.+)$/i.exec(authorization ?? "")?.[1] ?? "";
    const digest = digestOf(token);
    return this.#digests.map((known) => timingSafeEqual(known, digest)).includes(true);
  }
}

function digestOf(token: string): Uint8Array {
  const hash = sha256();
  hash.update(new TextEncoder().encode(token));
  return Uint8Array.fromHex(hash.hex());
}

function unusableTokens(flag: string, why: string): StreamlabError {
  return new StreamlabError("usage", `Cannot take the tokens of ${flag}: ${why}`, {
    hint: "Put a token on each line, such as the output of: openssl rand -hex 32",
  });
}
