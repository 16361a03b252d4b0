// Streams whose request headers were seen, where the module is entered for them anyhow, as the suite is: the route's
// number and the time are kept until the end, which then asks the host for the status only. What finds no room, or
// came without headers, is asked for at the end.

import { monotonicNs } from "../../assembly/abi/clock";
import { routeNumber } from "../../assembly/attach/id";
import {
  addStream,
  ensureStreams,
  findStream,
  removeStream,
  STREAM_TABLE_SIZE,
  StreamTable,
} from "../../assembly/streams";

/** Streams of one worker at the same time. */
const MAX_STREAMS: u32 = 16_384;

const started: StreamTable = changetype<StreamTable>(memory.data(STREAM_TABLE_SIZE, 4));

/** Of the stream that takeStart has found. */
export let startedNs: u64 = 0;
export let startedRoute: u64 = 0;

/** Configure only. */
export function expectStarts(): void {
  ensureStreams(started, MAX_STREAMS);
}

/** Request headers, before anything has changed them. */
export function noteStart(stream: u32): void {
  const kept = addStream(started, stream);
  if (kept === null) return;
  const route = routeNumber();
  kept.value = monotonicNs();
  kept.owner = <usize>route;
  kept.record = <usize>(route >> 32);
}

/** The end of a stream. False: its start was not seen. */
export function takeStart(stream: u32): bool {
  const kept = findStream(started, stream);
  if (kept === null) return false;
  startedNs = kept.value;
  startedRoute = ((<u64>kept.record) << 32) | (<u64>kept.owner);
  removeStream(started, kept);
  return true;
}
