import { flag } from "../line/flags.ts";

export const OLDER_THAN = {
  olderThan: flag.duration({
    doc: "how old a snapshot must be to expire (default: what the table's properties say, else 7d), and a file to be " +
      "removed as an orphan (default 3d)",
  }),
};
