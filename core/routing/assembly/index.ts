/** What the other side calls; `deno task wasm` makes reader.wasm of it. */
import { newColumn } from "./column.ts";
import { hashKeyBytes, hashKeyPtr } from "./hash.ts";
import { columnLevel, columnSlots, columnText, columnValues } from "./inspect.ts";
import {
  commitLetter,
  extraCount,
  extrasId,
  extrasPtr,
  failCount,
  failsPtr,
  letterNulls,
  letterParse,
} from "./letter.ts";
import { alloc, dealloc } from "./memory.ts";
import { newNode, setAccepted, setField, setFieldCount, setInner, setLevels } from "./node.ts";
import { oddN, oddPtr } from "./odd.ts";
import { encodeChunk, encodeColumn } from "./pages/chunk.ts";
import { chunkSource } from "./pages/chunk_source.ts";
import { flushBegin, flushEnd, partitionRows } from "./pages/partition_rows.ts";
import { appendRecord, lenient } from "./parse.ts";
import { partitionCount, partitionKey } from "./partition.ts";
import { lastGoodPtr, recordCount, scanArray, scanLines } from "./scan.ts";
import {
  addColumn,
  arenaBytes,
  beginFile,
  columnsOf,
  commitEvent,
  newTable,
  rowsOf,
  setDivisor,
  setLetterColumns,
  setPartitionColumn,
  setPlaceColumns,
  setRoot,
  undoFile,
  undoRow,
} from "./table.ts";
import { isUtf8 } from "./text.ts";

export {
  addColumn,
  alloc,
  appendRecord,
  arenaBytes,
  beginFile,
  columnLevel,
  columnSlots,
  columnsOf,
  columnText,
  columnValues,
  chunkSource,
  commitEvent,
  commitLetter,
  dealloc,
  encodeChunk,
  encodeColumn,
  extraCount,
  extrasId,
  extrasPtr,
  failCount,
  failsPtr,
  flushBegin,
  flushEnd,
  hashKeyBytes,
  hashKeyPtr,
  isUtf8,
  lastGoodPtr,
  lenient,
  letterNulls,
  letterParse,
  newColumn,
  newNode,
  newTable,
  oddN,
  oddPtr,
  partitionCount,
  partitionKey,
  partitionRows,
  recordCount,
  rowsOf,
  scanArray,
  scanLines,
  setAccepted,
  setDivisor,
  setField,
  setFieldCount,
  setInner,
  setLetterColumns,
  setLevels,
  setPartitionColumn,
  setPlaceColumns,
  setRoot,
  undoFile,
  undoRow,
};
