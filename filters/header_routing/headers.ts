// Changes of headers, in the order remove, set, add.

import {
  proxy_add_header_map_value,
  proxy_remove_header_map_value,
  proxy_replace_header_map_value,
} from "../../assembly/abi/hostcalls";
import { itemAt } from "../../assembly/config/records";
import { ByteString } from "../../assembly/set";
import { HeaderChange } from "./generated/config";

/** An entry of set and add. */
@unmanaged
class NamedValue {
  name: usize;
  nameLength: u32;
  value: usize;
  valueLength: u32;
}

/** Applies the changes to the request's or the response's headers. */
export function changeHeaders(map: i32, change: HeaderChange): void {
  for (let i: u32 = 0; i < change.removeCount; i++) {
    const name = itemAt<ByteString>(change.removeStart, i);
    proxy_remove_header_map_value(map, name.start, name.length);
  }
  for (let i: u32 = 0; i < change.setCount; i++) {
    const entry = itemAt<NamedValue>(change.setStart, i);
    proxy_replace_header_map_value(map, entry.name, entry.nameLength, entry.value, entry.valueLength);
  }
  for (let i: u32 = 0; i < change.addCount; i++) {
    const entry = itemAt<NamedValue>(change.addStart, i);
    proxy_add_header_map_value(map, entry.name, entry.nameLength, entry.value, entry.valueLength);
  }
}
