/** An answer whose cells are texts, as `query --format csv` writes them. */
export interface LimitedAnswer {
  columns: { name: string; type: string }[];
  /** Null is SQL's. */
  rows: (string | null)[][];
  /** Why rows or parts of texts are missing; undefined where nothing is. */
  cut: string | undefined;
}
