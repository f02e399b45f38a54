import { HttpRefusal } from "./http_refusal.ts";
import type { Tokens } from "./tokens.ts";

export interface GuardOptions {
  /** Names that the server is reached by, besides the loopback's and any address of digits. */
  hosts: readonly string[];
  /** What who comes under another name may do: "--allow-host adds one". */
  hostAdvice: string;
  /** Undefined: whoever reaches the port may come in. */
  tokens: Tokens | undefined;
}

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Who may come in. A page of another site must not: it can reach this machine through the browser
 * of somebody who may, under a name of its own that it lets lead here (DNS rebinding), or with a
 * request that needs no answer.
 */
export class Guard {
  readonly #hosts: ReadonlySet<string>;
  readonly #hostAdvice: string;
  readonly #tokens: Tokens | undefined;

  constructor({ hosts, hostAdvice, tokens }: GuardOptions) {
    this.#hostAdvice = hostAdvice;
    this.#hosts = new Set([...LOOPBACK_NAMES, ...hosts].map((host) => host.toLowerCase()));
    this.#tokens = tokens;
  }

  /**
   * Throws a refusal where the request comes from another site, or under a foreign name. `isPage`:
   * a link of another site may lead there, for it shows nothing by itself and changes nothing.
   */
  checkSite(request: Request, isPage = false): void {
    const host = request.headers.get("host") ?? "";
    if (!this.#isOurs(hostnameOf(host))) {
      throw new HttpRefusal(403, "ForbiddenException", `This server does not go by that name: ${this.#hostAdvice}`);
    }
    const origin = request.headers.get("origin");
    const site = request.headers.get("sec-fetch-site");
    if (isPage && origin === null && request.headers.get("sec-fetch-mode") === "navigate") return;
    const isForeign = origin !== null && URL.parse(origin)?.host !== host.toLowerCase();
    if (isForeign || site === "cross-site") {
      throw new HttpRefusal(403, "ForbiddenException", "Requests from pages of other sites are refused");
    }
  }

  /** Whether the request has a token, where one is needed. */
  admits(request: Request): boolean {
    return this.#tokens === undefined || this.#tokens.accept(request.headers.get("authorization"));
  }

  checkToken(request: Request): void {
    if (this.admits(request)) return;
    throw new HttpRefusal(401, "NotAuthorizedException", "A bearer token of the server's token file is needed", {
      "www-authenticate": "Bearer",
    });
  }

  /** Rebinding needs a name: an address of digits leads where it says. */
  #isOurs(hostname: string): boolean {
    return this.#hosts.has(hostname) || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(hostname) ||
      /^\[[0-9a-f:.]+\]$/.test(hostname);
  }
}

/** Without its port. */
function hostnameOf(host: string): string {
  return host.toLowerCase().replace(/:\d{1,5}$/, "");
}
