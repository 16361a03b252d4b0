// New paths: of a request on its way, and of a redirect.

import { create } from "@bufbuild/protobuf";
import {
  type RedirectAction,
  RedirectAction_RedirectResponseCode as RedirectCode,
  RedirectActionSchema,
  type RouteAction,
} from "../../build/envoy-api/envoy/config/route/v3/route_components_pb.ts";
import {
  type RegexMatchAndSubstitute,
  RegexMatchAndSubstituteSchema,
} from "../../build/envoy-api/envoy/type/matcher/v3/regex_pb.ts";
import type { PathModifier, RequestRedirect } from "../../schema/generated/types.ts";
import { quoteRegex } from "./matches.ts";

type Rewrite = Partial<Pick<RouteAction, "prefixRewrite" | "regexRewrite">>;

/** `prefix`: what the route matches, without a slash at its end; undefined where it matches otherwise. */
export function pathRewrite(path: PathModifier, prefix: string | undefined): Rewrite {
  if (path.type === "ReplaceFullPath") return replaceAll(path.replaceFullPath ?? "/");
  const replacement = (path.replacePrefixMatch ?? "/").replace(/\/+$/, "");
  if (prefix === undefined) return {};
  // What follows begins with a slash, or is nothing, but for the prefix / itself.
  if (prefix === "/") return { prefixRewrite: `${replacement}/` };
  if (replacement !== "") return { prefixRewrite: replacement };
  return { regexRewrite: regexRewrite(`^${quoteRegex(prefix)}/*`, "/") };
}

/** The query is not part of what the expression sees, and stays. */
const replaceAll = (path: string): Rewrite => ({
  regexRewrite: regexRewrite("^/.*$", path.replaceAll("\\", "\\\\")),
});

const regexRewrite = (regex: string, substitution: string): RegexMatchAndSubstitute =>
  create(RegexMatchAndSubstituteSchema, { pattern: { regex }, substitution });

const codes = new Map([
  [301, RedirectCode.MOVED_PERMANENTLY],
  [302, RedirectCode.FOUND],
  [303, RedirectCode.SEE_OTHER],
  [307, RedirectCode.TEMPORARY_REDIRECT],
  [308, RedirectCode.PERMANENT_REDIRECT],
]);

export function redirectAction(
  written: RequestRedirect,
  prefix: string | undefined,
  listener: { port: number; isTls: boolean },
): RedirectAction {
  const { scheme, hostname, path, statusCode = 302 } = written;
  return create(RedirectActionSchema, {
    hostRedirect: hostname ?? "",
    portRedirect: redirectPort(written, listener),
    schemeRewriteSpecifier:
      scheme === undefined ? { case: undefined } : { case: "schemeRedirect", value: scheme },
    pathRewriteSpecifier: path === undefined ? { case: undefined } : redirectPath(path, prefix),
    responseCode: codes.get(statusCode) ?? RedirectCode.FOUND,
  });
}

function redirectPath(
  path: PathModifier,
  prefix: string | undefined,
): RedirectAction["pathRewriteSpecifier"] {
  if (path.type === "ReplaceFullPath") return { case: "pathRedirect", value: path.replaceFullPath ?? "/" };
  const rewrite = pathRewrite(path, prefix);
  return rewrite.regexRewrite === undefined
    ? { case: "prefixRewrite", value: rewrite.prefixRewrite ?? "/" }
    : { case: "regexRewrite", value: rewrite.regexRewrite };
}

/**
 * The port that is written, else the scheme's own, else the listener's. 0 leaves it out, which is right only where
 * the request's Host has none either: on a port that is its scheme's own.
 */
function redirectPort({ scheme, port }: RequestRedirect, listener: { port: number; isTls: boolean }): number {
  const final = scheme ?? (listener.isTls ? "https" : "http");
  const standard = final === "https" ? 443 : 80;
  const wanted = port ?? (scheme === undefined ? listener.port : standard);
  const hostHasNone = listener.port === (listener.isTls ? 443 : 80);
  return wanted === standard && hostHasNone ? 0 : wanted;
}
