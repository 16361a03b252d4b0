// What a rule does to the response: changes of headers, and the cookie that was drawn for the client.

import { scratch } from "../../assembly/abi/arena";
import { proxy_add_header_map_value, RESPONSE_HEADERS } from "../../assembly/abi/hostcalls";
import { Generation, release } from "../../assembly/attach/plugins";
import { literal, writeBytes } from "../../assembly/bytes";
import { ByteString } from "../../assembly/set";
import { findStream, removeStream, Stream } from "../../assembly/streams";
import { COOKIE_LENGTH, writeCookie } from "./choose";
import { ARENA_FULL, countFailure } from "./failures";
import { HeaderRoutingRule } from "./generated/config";
import { changeHeaders } from "./headers";
import { RulePlan, streams } from "./plan";
import { SETS_COOKIE } from "./route";

const SET_COOKIE: ByteString = literal("set-cookie");

/** Changes the response of a stream that a rule has marked. */
export function changeResponse(id: u32): void {
  const stream = findStream(streams, id);
  if (stream === null) return;
  const plan = changetype<RulePlan>(stream.record);
  const change = plan.response;
  if (change !== null) changeHeaders(RESPONSE_HEADERS, change);
  if (stream.flags & SETS_COOKIE) setCookie(stream, plan);
  forget(stream);
}

/** NAME=VALUE and the attributes that the plan has ready. */
function setCookie(stream: Stream, plan: RulePlan): void {
  const sticky = changetype<HeaderRoutingRule>(stream.rule).stickyBy;
  if (sticky === null) return;
  const cookie = sticky.cookie;
  if (cookie === null) return;
  const size = cookie.nameLength + 1 + COOKIE_LENGTH + plan.cookieEndLength;
  const start = scratch(size);
  if (start === 0) {
    countFailure(ARENA_FULL);
    return;
  }
  const at = writeBytes(start, cookie.nameStart, cookie.nameLength);
  store<u8>(at, 61);
  writeCookie(at + 1, stream.value);
  writeBytes(at + 1 + COOKIE_LENGTH, plan.cookieEnd, plan.cookieEndLength);
  proxy_add_header_map_value(RESPONSE_HEADERS, SET_COOKIE.start, SET_COOKIE.length, start, size);
}

/** The stream has ended, whether it had a response or not. */
export function forgetStream(id: u32): void {
  const stream = findStream(streams, id);
  if (stream !== null) forget(stream);
}

function forget(stream: Stream): void {
  const generation = changetype<Generation>(stream.owner);
  removeStream(streams, stream);
  release(generation);
}
