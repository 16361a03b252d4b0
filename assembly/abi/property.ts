// Properties of stream and route. Each read costs as much as all headers at once: read what is needed, once.

import { literal } from "../bytes";
import { ByteString } from "../set";
import { OK, proxy_get_property } from "./hostcalls";

/** Parts of a property's path are separated by a 0 byte. */
export const ROUTE_NAME: ByteString = literal("xds\0route_name");
export const VIRTUAL_HOST_NAME: ByteString = literal("xds\0virtual_host_name");
export const SOURCE_ADDRESS: ByteString = literal("source\0address");
export const PLUGIN_NAME: ByteString = literal("plugin_name");
export const PLUGIN_ROOT_ID: ByteString = literal("plugin_root_id");

const result: usize = memory.data(8, 4);

/** Reads a property that is a text; false (and empty) when there is none. The text lasts as long as the arena. */
export function readProperty(name: ByteString, to: ByteString): bool {
  store<u32>(result, 0);
  store<u32>(result, 0, 4);
  const found = proxy_get_property(name.start, name.length, result, result + 4) === OK;
  to.start = found ? load<usize>(result) : 0;
  to.length = found ? load<u32>(result, 4) : 0;
  return found;
}
