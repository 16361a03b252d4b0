// DestinationRule's outlierDetection: endpoints that fail are left out for a while.

import { boolean, duration, integer, list, type ObjectSchema } from "../language.ts";
import { refused, yearMs } from "./common.ts";

const failures = integer(0, 4_294_967_295);

export const outlierDetection: ObjectSchema = {
  type: "object",
  name: "OutlierDetection",
  doc: "Endpoints that fail are left out for a while.",
  fields: {
    consecutive5xxErrors: {
      schema: failures,
      default: 5,
      doc: "Answers of 500 to 599 in a row, failed connections among them; 0: does not count.",
    },
    consecutiveGatewayErrors: {
      schema: failures,
      doc: "Answers of 502, 503 or 504 in a row, failed connections among them; absent or 0: does not count.",
    },
    interval: { schema: duration(1, yearMs), default: "10s", doc: "Time between looks at who may return." },
    baseEjectionTime: {
      schema: duration(1, yearMs),
      default: "30s",
      doc: "How long an endpoint is left out the first time; the n-th time n times as long.",
    },
    maxEjectionPercent: {
      schema: integer(0, 100),
      default: 10,
      doc: "Endpoints left out at once, in percent; one may always be. 0 is read as the default.",
    },
    minHealthPercent: {
      schema: integer(0, 100),
      default: 0,
      doc: "With fewer healthy endpoints than this, in percent, all of them get requests again (panic).",
    },
    splitExternalLocalOriginErrors: {
      schema: boolean,
      default: false,
      doc: "Failed connections and timeouts are counted by themselves.",
    },
    consecutiveLocalOriginFailures: {
      schema: failures,
      default: 5,
      doc: "Failed connections and timeouts in a row; with `splitExternalLocalOriginErrors`.",
    },
    outlierDetectionHttpErrorCodes: {
      schema: list(integer(100, 599), 128),
      doc: "The only answers that count as errors, in place of 500 to 599.",
    },
    consecutiveErrors: refused(
      "Old name of the errors in a row.",
      "istiod ignores it; write `consecutive5xxErrors` or `consecutiveGatewayErrors`",
    ),
  },
};
