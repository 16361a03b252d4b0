// Reading what the decoder has built: items of lists and entries of maps.

import { ByteString } from "../set";

/** The item of a list of records. */
// @ts-ignore: decorator
@inline
export function itemAt<T>(start: usize, index: u32): T {
  return changetype<T>(start + index * offsetof<T>());
}

/** The value of an entry of a map of records. */
// @ts-ignore: decorator
@inline
export function valueAt<T>(start: usize, index: u32): T {
  return changetype<T>(start + index * (offsetof<ByteString>() + offsetof<T>()) + offsetof<ByteString>());
}

/** The key of an entry of a map of records. */
// @ts-ignore: decorator
@inline
export function keyAt<T>(start: usize, index: u32): ByteString {
  return changetype<ByteString>(start + index * (offsetof<ByteString>() + offsetof<T>()));
}
