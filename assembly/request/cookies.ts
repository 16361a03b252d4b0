// Cookies as Envoy reads them: every Cookie header in turn, parts between `;`, spaces before a name dropped, parts
// without `=` ignored, quotation marks around a value taken off, the first of several counts.

import { findByte, sameBytes } from "../bytes";
import { ByteString } from "../set";
import { headerAt, headerCount, nextHeader } from "./view";

/** The value of the cookie that findCookie has found. */
export const cookieValue: ByteString = changetype<ByteString>(memory.data(8, 4));

const headerName: usize = memory.data<u8>([99, 111, 111, 107, 105, 101]);
const HEADER_NAME_LENGTH: u32 = 6;

/** Whether the request has this cookie; its value is in cookieValue. */
export function findCookie(name: usize, length: u32): bool {
  let i = nextHeader(headerName, HEADER_NAME_LENGTH, 0);
  while (i < headerCount) {
    const header = headerAt(i);
    if (findIn(header.value, header.value + header.valueLength, name, length)) return true;
    i = nextHeader(headerName, HEADER_NAME_LENGTH, i + 1);
  }
  return false;
}

function findIn(start: usize, end: usize, name: usize, length: u32): bool {
  while (start < end) {
    const partEnd = findByte(start, end, 59);
    let at = start;
    while (at < partEnd && <u32>load<u8>(at) === 32) at += 1;
    const equal = findByte(at, partEnd, 61);
    if (equal < partEnd && <u32>(equal - at) === length && sameBytes(at, name, length)) {
      keepValue(equal + 1, partEnd);
      return true;
    }
    start = partEnd + 1;
  }
  return false;
}

function keepValue(start: usize, end: usize): void {
  const quoted = end - start >= 2 && load<u8>(start) === 34 && load<u8>(end - 1) === 34;
  cookieValue.start = quoted ? start + 1 : start;
  cookieValue.length = <u32>(quoted ? end - start - 2 : end - start);
}
