// What makes a client the same client: a header, a cookie, or its address.

import { readSourceAddress, sourceAddress } from "../../assembly/match/request";
import { choiceKey } from "../../assembly/rendezvous";
import { cookieValue, findCookie } from "../../assembly/request/cookies";
import { firstHeader } from "../../assembly/request/view";
import { FaultStickyBy } from "./generated/config";

/** The key that findKey has found. */
export let clientKey: u64 = 0;

/** Whether the request in view has what its client is known by. */
export function findKey(sticky: FaultStickyBy, seed: u64): bool {
  if (sticky.headerLength > 0) {
    const header = firstHeader(sticky.headerStart, sticky.headerLength);
    return take(header.value, header.valueLength, seed);
  }
  if (sticky.cookieLength > 0)
    return (
      findCookie(sticky.cookieStart, sticky.cookieLength) && take(cookieValue.start, cookieValue.length, seed)
    );
  readSourceAddress();
  return take(sourceAddress.start, addressLength(), seed);
}

function take(start: usize, length: u32, seed: u64): bool {
  if (length === 0) return false;
  clientKey = choiceKey(start, length, seed);
  return true;
}

/** The client's address without its port, which changes with every connection. */
function addressLength(): u32 {
  let length = sourceAddress.length;
  while (length > 0) {
    length -= 1;
    const byte = <u32>load<u8>(sourceAddress.start + length);
    if (byte === 58) return length;
    // No port, as of a Unix socket.
    if (byte - 48 > 9) break;
  }
  return sourceAddress.length;
}
