// Query parameters as Envoy's router reads them: parts between `&`, split at the first `=`, nothing decoded, a part
// without `=` has the empty value, the first of several values counts.

import { findByte, sameBytes } from "../bytes";
import { ByteString } from "../set";
import { path, queryStart } from "./view";

/** The value of the parameter that findQueryParam has found. */
export const queryValue: ByteString = changetype<ByteString>(memory.data(8, 4));

/** Whether the request has this parameter; its value is in queryValue. */
export function findQueryParam(name: usize, length: u32): bool {
  return findParam(queryStart(), path.start + path.length, name, length);
}

/** As findQueryParam, in a query of one's own. */
export function findParam(start: usize, end: usize, name: usize, length: u32): bool {
  while (start < end) {
    const partEnd = findByte(start, end, 38);
    const equal = findByte(start, partEnd, 61);
    if (<u32>(equal - start) === length && sameBytes(start, name, length)) {
      const value = equal < partEnd ? equal + 1 : partEnd;
      queryValue.start = value;
      queryValue.length = <u32>(partEnd - value);
      return true;
    }
    start = partEnd + 1;
  }
  return false;
}
