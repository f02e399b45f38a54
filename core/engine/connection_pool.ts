import type { Connection } from "./duckdb.ts";

/**
 * Connections of one database for work that is done at once: a connection has one statement at a
 * time. They are opened as they are needed, and stay.
 */
export class ConnectionPool {
  readonly #idle: Connection[];
  readonly #connect: () => Promise<Connection>;

  /** `first` is opened already; who opens them closes them. */
  constructor(first: Connection, connect: () => Promise<Connection>) {
    this.#idle = [first];
    this.#connect = connect;
  }

  async use<T>(action: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = this.#idle.pop() ?? await this.#connect();
    try {
      return await action(connection);
    } finally {
      this.#idle.push(connection);
    }
  }
}
