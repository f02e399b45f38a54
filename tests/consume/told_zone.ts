import { StreamlabError } from "../../core/base/errors.ts";
import { ObjectNews } from "../../core/notifications/object_news.ts";
import type { Store } from "../../core/storage/store.ts";
import { SteppedClock } from "../support/manual_clock.ts";
import { storeWith } from "../support/store_with.ts";
import type { ConsumeWorld } from "./consume_world.ts";
import { event, Watching } from "./watching.ts";

export const FOLDER = "raw/events/";

/** A raw zone that nothing reports files of but messages, and what was asked of it. */
export class ToldZone {
  listings = 0;
  readonly stats: string[] = [];
  /** Names of objects that nobody may look at. */
  readonly refused = new Set<string>();
  readonly news = new ObjectNews();
  readonly clock = new SteppedClock();
  readonly store: Store;
  readonly #world: ConsumeWorld;
  /** Called when somebody looks at an object by itself. */
  onLook: (name: string) => void = () => {};
  /** Called when a listing has come to its end. */
  onListed: () => void = () => {};

  constructor(world: ConsumeWorld) {
    this.#world = world;
    const { store } = world;
    this.store = storeWith(store, {
      localPath: () => undefined,
      list: (prefix, options) =>
        prefix === FOLDER ? this.#list(store.list(prefix, options)) : store.list(prefix, options),
      stat: (path) => {
        if (!path.startsWith(FOLDER)) return store.stat(path);
        const name = path.slice(FOLDER.length);
        this.stats.push(name);
        this.onLook(name);
        if (!this.refused.has(name)) return store.stat(path);
        return Promise.reject(new StreamlabError("unavailable", `Cannot look at "${name}": access denied`));
      },
    });
  }

  async *#list<T>(files: AsyncIterable<T>): AsyncIterable<T> {
    this.listings++;
    yield* files;
    this.onListed();
  }

  put(name: string): void {
    this.#world.put(name, event(name));
  }

  tell(...names: string[]): void {
    this.news.tell(names.map((name) => `${this.#world.folder}/${FOLDER}${name}`));
  }

  watch(action: (watching: Watching) => Promise<void>): Promise<void> {
    const { clock, news } = this;
    const zone = { ...this.#world.options().zone, store: this.store };
    return Watching.use(this.#world, { zone, clock, news }, action);
  }

  /** Resolves when everything that was told is looked at, and nothing more is waited for. */
  async quiet(): Promise<void> {
    await this.clock.sleeper(30_000);
  }
}
