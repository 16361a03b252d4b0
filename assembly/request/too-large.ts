// A request that cannot be looked at, since its headers do not fit the arena: refused, never decided on more weakly.

import { NO_GRPC_STATUS } from "../abi/hostcalls";
import { localReply } from "../abi/phase";
import { literal } from "../bytes";
import { countFailure, Failure, failure } from "../failures";
import { ByteString } from "../set";

/** The reason under which it is counted. */
export const HEADERS_TOO_LARGE: Failure = failure("headers_too_large");

const DETAILS: ByteString = literal("sluice_headers_too_large");

/** Answers 431. */
export function refuseHeaders(): void {
  countFailure(HEADERS_TOO_LARGE);
  localReply(431, DETAILS.start, DETAILS.length, 0, 0, 0, 0, NO_GRPC_STATUS);
}
