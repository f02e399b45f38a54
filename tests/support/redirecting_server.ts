export interface Redirecting {
  /** Of the server that was asked. */
  url: string;
  /** What reached the place that it redirects to: a line and its headers for each request. */
  strayed: { line: string; headers: Headers; body: string }[];
  /** Requests that the first server saw. */
  asked: string[];
}

/** A server that answers every request with a redirect to another origin. */
export async function withRedirect(status: number, action: (servers: Redirecting) => Promise<void>): Promise<void> {
  const strayed: Redirecting["strayed"] = [], asked: string[] = [];
  const quiet = { port: 0, hostname: "127.0.0.1", onListen() {} };
  const other = Deno.serve(quiet, async (request) => {
    strayed.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: await request.text() });
    return new Response("{}", { status: 404 });
  });
  const first = Deno.serve(quiet, async (request) => {
    await request.body?.cancel();
    asked.push(`${request.method} ${request.url}`);
    const location = `http://127.0.0.1:${other.addr.port}/elsewhere`;
    return new Response(null, { status, headers: { location } });
  });
  try {
    await action({ url: `http://127.0.0.1:${first.addr.port}`, strayed, asked });
  } finally {
    await Promise.all([first.shutdown(), other.shutdown()]);
  }
}
