// Requests that are told what was decided about them, for who knows the token: their header sluice-explain is taken off,
// the decision is traced, and what is told waits for the response's headers. Off without a token in the configuration.
//
// Of several filters in a chain the first takes the header off; a property of the stream, which no client can set, lets
// those behind it explain too. Each adds a value to sluice-explanation.

import { resetArena } from "../abi/arena";
import {
  OK,
  proxy_add_header_map_value,
  proxy_get_header_map_value,
  proxy_get_property,
  proxy_remove_header_map_value,
  proxy_set_property,
  REQUEST_HEADERS,
  RESPONSE_HEADERS,
} from "../abi/hostcalls";
import { literal } from "../bytes";
import { Failure, failure, countFailure } from "../failures";
import { ByteString } from "../set";
import { beginRecording, endRecording, ensureRing, skipRecords } from "../trace";
import { isToken } from "./token";

const ASKED: ByteString = literal("sluice-explain");
const TOLD: ByteString = literal("sluice-explanation");
const PASSED_ON: ByteString = literal("sluice_explains");

/** More streams wait for an explanation than there is room for: this one gets none. */
const EXPLANATIONS_FULL: Failure = failure("explanations_full");

const RECORDS: u32 = 512;
const SLOTS: u32 = 16;
const LONGEST_TEXT: u32 = 2032;

/** What one stream will be told. */
@unmanaged
class Explanation {
  /** Context id; 0: free. */
  id: u32;
  length: u32;
  unused: u64;
}

const HEAD: usize = offsetof<Explanation>();
const SLOT: usize = HEAD + LONGEST_TEXT;

const result: usize = memory.data(8, 4);
let slots: usize = 0;
let waiting: u32 = 0;
let current: Explanation | null = null;

/** Whether the present request is explained. */
export let isExplaining: bool = false;

/** Configure only, where there is a token. */
export function ensureExplanations(): void {
  ensureRing(RECORDS);
  if (slots !== 0) return;
  slots = heap.alloc(<usize>SLOTS * SLOT);
  memory.fill(slots, 0, <usize>SLOTS * SLOT);
}

/** The first thing done about a request where there is a token. `endExplaining` must follow. */
export function beginExplaining(stream: u32, token: usize): void {
  if (!isAsked(token)) return;
  const slot = freeSlot();
  if (slot === null) {
    countFailure(EXPLANATIONS_FULL);
    return;
  }
  slot.id = stream;
  slot.length = 0;
  waiting += 1;
  current = slot;
  isExplaining = true;
  beginRecording();
}

/** In a module of several parts: what the next one decides follows. */
export function beginTelling(): void {
  skipRecords();
  const slot = current;
  if (slot !== null && slot.length > 0) tellText(". ");
}

/** What is told of the request is complete. */
export function endExplaining(): void {
  if (!isExplaining) return;
  isExplaining = false;
  current = null;
  endRecording();
}

/** Whether the request carries the token, or did; the header is gone afterwards, right or wrong. */
function isAsked(token: usize): bool {
  store<u64>(result, 0);
  if (proxy_get_header_map_value(REQUEST_HEADERS, ASKED.start, ASKED.length, result, result + 4) !== OK)
    return proxy_get_property(PASSED_ON.start, PASSED_ON.length, result, result + 4) === OK;
  const isRight = isToken(token, load<usize>(result), load<u32>(result, 4));
  proxy_remove_header_map_value(REQUEST_HEADERS, ASKED.start, ASKED.length);
  if (isRight) proxy_set_property(PASSED_ON.start, PASSED_ON.length, PASSED_ON.start, 1);
  resetArena();
  return isRight;
}

function slotAt(i: u32): Explanation {
  return changetype<Explanation>(slots + <usize>i * SLOT);
}

function freeSlot(): Explanation | null {
  for (let i: u32 = 0; i < SLOTS; i++) if (slotAt(i).id === 0) return slotAt(i);
  return null;
}

function findSlot(stream: u32): Explanation | null {
  if (waiting === 0) return null;
  for (let i: u32 = 0; i < SLOTS; i++) if (slotAt(i).id === stream) return slotAt(i);
  return null;
}

/** Response headers: tells what there is to tell. */
export function tellExplanation(stream: u32): void {
  const slot = findSlot(stream);
  if (slot === null) return;
  const text = changetype<usize>(slot) + HEAD;
  proxy_add_header_map_value(RESPONSE_HEADERS, TOLD.start, TOLD.length, text, slot.length);
  free(slot);
}

/** The stream has ended. */
export function forgetExplanation(stream: u32): void {
  const slot = findSlot(stream);
  if (slot !== null) free(slot);
}

function free(slot: Explanation): void {
  slot.id = 0;
  waiting -= 1;
}

/** Adds to what the present request is told; what does not fit is cut. */
export function tell(start: usize, length: u32): void {
  const slot = current;
  if (slot === null) return;
  for (let i: u32 = 0; i < length && slot.length < LONGEST_TEXT; i++) {
    const byte = <u32>load<u8>(start + i);
    store<u8>(changetype<usize>(slot) + HEAD + slot.length, byte < 32 || byte > 126 ? 95 : byte);
    slot.length += 1;
  }
}

/** As tell, of ASCII. */
export function tellText(text: string): void {
  const slot = current;
  if (slot === null) return;
  for (let i = 0; i < text.length && slot.length < LONGEST_TEXT; i++) {
    store<u8>(changetype<usize>(slot) + HEAD + slot.length, load<u16>(changetype<usize>(text) + (i << 1)));
    slot.length += 1;
  }
}

/** As tell, of a small number. */
export function tellNumber(value: u32): void {
  if (value > 9) tellNumber(value / 10);
  store<u8>(result, 48 + (value % 10));
  tell(result, 1);
}
