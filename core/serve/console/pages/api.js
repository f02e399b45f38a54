import { addressOf } from "./address.js";

/** For as long as the tab is open. */
const TOKEN = "streamlab-token";

export class ApiError extends Error {
  constructor(status, message, hint) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

export function keepToken(token) {
  sessionStorage.setItem(TOKEN, token);
}

/** The JSON at an address of the server's; `body` makes it a question. */
export async function ask(path, parameters, { signal, body } = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = new Headers();
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  let response;
  try {
    response = await fetch(addressOf(`/api/${path}`, parameters), {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "The server does not answer", "Is streamlab serve still running?");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const { message, hint } = answer.error ?? {};
  throw new ApiError(response.status, message ?? `The server answered ${response.status}`, hint);
}
