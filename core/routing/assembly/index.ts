/** What the other side calls; `deno task wasm` makes reader.wasm of it. */
import {
  allowText,
  newCheck,
  setAllowedBooleans,
  setAllowedNumbers,
  setAsked,
  setBounds,
  setDoubleBounds,
  setLengths,
} from "./check.ts";
import { newColumn } from "./column.ts";
import { powersOfFivePtr } from "./double.ts";
import { extraCount, extrasPtr } from "./extras.ts";
import { hashKeyBytes, hashKeyPtr } from "./hash.ts";
import { columnLevel, columnSlots, columnText, columnValues } from "./inspect.ts";
import { commitLetter, extrasId, failCount, failsPtr, letterNulls, letterParse } from "./letter.ts";
import { alloc, dealloc } from "./memory.ts";
import {
  newNode,
  setAccepted,
  setCheck,
  setDecimal,
  setField,
  setFieldCount,
  setFieldName,
  setInner,
  setKeyCheck,
  setLevels,
  setNullable,
} from "./node.ts";
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
  allowText,
  appendRecord,
  arenaBytes,
  beginFile,
  chunkSource,
  columnLevel,
  columnSlots,
  columnsOf,
  columnText,
  columnValues,
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
  newCheck,
  newColumn,
  newNode,
  newTable,
  oddN,
  oddPtr,
  partitionCount,
  partitionKey,
  partitionRows,
  powersOfFivePtr,
  recordCount,
  rowsOf,
  scanArray,
  scanLines,
  setAccepted,
  setAllowedBooleans,
  setAllowedNumbers,
  setAsked,
  setBounds,
  setCheck,
  setDecimal,
  setDivisor,
  setDoubleBounds,
  setField,
  setFieldCount,
  setFieldName,
  setInner,
  setKeyCheck,
  setLengths,
  setLetterColumns,
  setLevels,
  setNullable,
  setPartitionColumn,
  setPlaceColumns,
  setRoot,
  undoFile,
  undoRow,
};
