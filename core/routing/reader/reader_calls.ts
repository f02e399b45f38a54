/** What reader.wasm offers. Addresses and handles of what lies in its memory are numbers. */
export interface ReaderCalls {
  readonly memory: WebAssembly.Memory;
  alloc(size: number): number;
  dealloc(block: number, size: number): void;
  hashKeyPtr(): number;
  hashKeyBytes(): number;

  expectRows(rows: number, textBytes: number, rawBytes: number): void;
  newTable(columnsMax: number): number;
  newColumn(kind: number, shift: number, maxDefinition: number, maxRepetition: number, choice: number): number;
  addColumn(table: number, column: number): void;
  columnsOf(table: number): number;
  newNode(kind: number, columns: number, leafFrom: number, leafTo: number): number;
  setNullable(node: number): void;
  setJudgeAlone(node: number): void;
  setAccepted(node: number, numbers: number, booleans: number, nested: number): void;
  setDecimal(node: number, precision: number, scale: number): void;
  setCheck(node: number, check: number): void;
  setKeyCheck(node: number, check: number): void;
  setLevels(node: number, definition: number, repetition: number): void;
  setInner(node: number, column: number, keyColumn: number, inner: number): void;
  setFieldCount(node: number, count: number): void;
  setField(node: number, index: number, value: number, required: number): void;
  setFieldName(
    node: number,
    index: number,
    name: number,
    length: number,
    quoted: number,
    quotedLength: number,
  ): void;
  setRoot(table: number, root: number): void;
  setPlaceColumns(table: number, source: number, position: number): void;
  setRescuedColumn(table: number, column: number): void;
  rescueExtras(table: number): void;
  setLetterColumns(table: number, reason: number, detail: number, raw: number): void;

  newCheck(number: number): number;
  setLengths(check: number, min: number, max: number): void;
  setAsked(check: number): void;
  allowText(check: number, text: number, length: number): void;
  setBounds(check: number, low: bigint, lowHigh: bigint, high: bigint, highHigh: bigint): void;
  setDoubleBounds(check: number, low: number, isLowAllowed: number, high: number, isHighAllowed: number): void;
  setAllowedNumbers(check: number, numbers: number, count: number): void;
  setAllowedBooleans(check: number, allowed: number): void;
  powersOfFivePtr(): number;

  beginFile(table: number, name: number, length: number): void;
  undoFile(table: number): void;
  undoRow(table: number): void;
  scanArray(table: number, start: number, length: number, mode: number): number;
  isRestSound(table: number): number;
  resumeArray(table: number): number;
  scanLines(table: number, start: number, length: number): number;
  resumeLines(table: number): number;
  scanValues(table: number, start: number, length: number, areLined: number): number;
  resumeValues(table: number): number;
  isFull(table: number): number;
  scanFrames(table: number, start: number, length: number): number;
  resumeFrames(table: number): number;
  setFirstPosition(position: number): void;
  clearSteps(): void;
  addStep(text: number, length: number, index: number): number;
  enterEnvelope(start: number): number;
  leaveEnvelope(past: number): number;
  scanEnvelopes(
    table: number,
    start: number,
    length: number,
    form: number,
    firstPosition: number,
    mode: number,
  ): number;
  resumeEnvelopes(table: number, position: number): number;
  envelopesPosition(): number;
  judgedPtr(): number;
  judgedEnd(): number;
  scanElements(start: number, length: number): number;
  elementsEnd(): number;
  isEndOfElements(): number;
  countLines(start: number, length: number): number;
  countValues(start: number, length: number, areLined: number, isEnd: number): number;
  valuesEnd(): number;
  areValuesLined(): number;
  isBrokenRest(): number;
  spaceEnd(start: number, length: number): number;
  recordCount(): number;
  lastGoodPtr(): number;
  oddPtr(): number;
  oddN(): number;
  rowsOf(table: number): number;
  arenaBytes(table: number): number;
  isUtf8(start: number, length: number): number;
  lineFeeds(from: number, to: number): number;

  appendRecord(table: number, text: number): number;
  appendRescued(table: number, text: number, length: number): void;
  commitEvent(table: number, position: number): void;
  letterParse(table: number, record: number): number;
  letterNulls(table: number): void;
  commitLetter(
    table: number,
    position: number,
    reason: number,
    reasonLength: number,
    detail: number,
    detailLength: number,
    raw: number,
    rawLength: number,
  ): void;
  failsPtr(): number;
  failCount(): number;
  extrasPtr(): number;
  extraCount(): number;
  setReasons(invalid: number, invalidLength: number, extra: number, extraLength: number): void;
  addKnownLetters(table: number, entry: number, end: number, recordBytesMax: number): number;
  takeInvalid(): number;
  takeExtraLetters(): number;
  keepRecordWords(from: number, to: number, words: number, length: number): void;
  keepFaultWords(fault: number, words: number, length: number): void;
  keepExtrasWords(words: number, length: number): void;

  columnSlots(column: number, rows: number): number;
  columnValues(column: number): number;
  columnLevel(column: number, slot: number): number;
  columnText(column: number, slot: number): number;

  rowPartitionsOf(table: number): number;
  forgetUnits(): void;
  numberUnits(table: number, column: number, numbers: number, row: number, micros: bigint, none: number): number;
  missingUnit(): bigint;
  keepUnitNumber(number: number): void;
  flushBegin(table: number, partitions: number): void;
  flushEnd(table: number): void;
  partitionRows(table: number, partition: number): number;
  /** Where the next two are told what to encode. */
  chunkSource(): number;
  encodeColumn(table: number, index: number, partition: number): number;
  encodeChunk(source: number): number;
}
