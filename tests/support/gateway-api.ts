// Random HTTPRoutes, and who of them takes a request, as the Gateway API's specification words it: written anew
// here, and slow.

export interface Rule {
  name: string;
  matches: Match[];
}

interface Match {
  path: { type: "Exact" | "PathPrefix" | "RegularExpression"; value: string };
  method?: string;
  headers: { name: string; value: string }[];
  queryParams: { name: string; value: string }[];
}

export interface RandomRoute {
  name: string;
  hostnames: string[];
  created: string | undefined;
  rules: Rule[];
}

export interface Asked {
  host: string;
  path: string;
  method: string;
  headers: Record<string, string>;
}

export type Random = () => number;

function generator(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
const some = <T>(random: Random, from: readonly T[], share: number): T[] =>
  from.filter(() => random() < share);

const hostnames = ["a.test", "b.a.test", "*.a.test", "*.b.a.test", "*.test"];
const paths = ["/", "/x", "/x/", "/x/y", "/x/y/z", "/xy", "/w"];
const pairs = [
  { name: "k1", value: "1" },
  { name: "k2", value: "2" },
];

export function randomRoutes(seed: number): { routes: RandomRoute[]; yaml: string; random: Random } {
  const random = generator(seed);
  const routes = Array.from({ length: 14 }, (_, i): RandomRoute => {
    const name = `r${(i * 5) % 14}`;
    return {
      name,
      hostnames: some(random, hostnames, 0.35),
      created: random() < 0.5 ? `2026-0${1 + Math.floor(random() * 3)}-01T00:00:00Z` : undefined,
      rules: Array.from({ length: 1 + Math.floor(random() * 3) }, (__, j) => ({
        name: `${name}-${j}`,
        matches: Array.from({ length: 1 + Math.floor(random() * 2) }, () => randomMatch(random)),
      })),
    };
  });
  return { routes, yaml: routes.map(yamlOf).join("---\n"), random };
}

function randomMatch(random: Random): Match {
  const type = pick(random, ["Exact", "PathPrefix", "PathPrefix", "RegularExpression"] as const);
  const value =
    type === "RegularExpression" ? pick(random, ["/x.*", "/x/[a-z]", "/.*"]) : pick(random, paths);
  return {
    path: { type, value },
    ...(random() < 0.3 ? { method: pick(random, ["GET", "POST"]) } : {}),
    headers: some(random, pairs, 0.25),
    queryParams: some(random, pairs, 0.25),
  };
}

const yamlOf = ({ name, hostnames: hosts, created, rules }: RandomRoute): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ${name}, namespace: shop${created === undefined ? "" : `, creationTimestamp: "${created}"`}}
spec:
  parentRefs: [{name: edge, sectionName: many}]
  hostnames: ${JSON.stringify(hosts)}
  rules: ${JSON.stringify(rules.map(ruleOf))}
`;

const ruleOf = ({ name, matches }: Rule): object => ({
  name,
  matches,
  filters: [
    { type: "ResponseHeaderModifier", responseHeaderModifier: { set: [{ name: "x-rule", value: name }] } },
  ],
  backendRefs: [{ name: "one", port: 80 }],
});

export function randomRequest(random: Random): Asked {
  const query = some(random, ["k1=1", "k2=2"], 0.5).join("&");
  return {
    host: pick(random, ["a.test", "b.a.test", "c.a.test", "c.b.a.test", "q.test"]),
    path: `${pick(random, [...paths, "/x/q", "/xyz"])}${query === "" ? "" : `?${query}`}`,
    method: pick(random, ["GET", "POST", "PUT"]),
    headers: Object.fromEntries(some(random, pairs, 0.5).map(({ name, value }) => [name, value])),
  };
}

interface Candidate {
  route: RandomRoute;
  rule: number;
  match: Match;
  hostname: string;
}

/** The name of the rule that takes it. */
export function whoTakes(routes: readonly RandomRoute[], asked: Asked): string | undefined {
  const candidates: Candidate[] = [];
  for (const route of routes) {
    for (const hostname of route.hostnames.length === 0 ? ["*"] : route.hostnames) {
      if (!hostMatches(hostname, asked.host)) continue;
      for (const [rule, { matches }] of route.rules.entries()) {
        for (const match of matches) {
          if (matchHolds(match, asked)) candidates.push({ route, rule, match, hostname });
        }
      }
    }
  }
  const [first] = candidates.sort(order);
  return first?.route.rules[first.rule]?.name;
}

function hostMatches(hostname: string, host: string): boolean {
  if (hostname === "*") return true;
  return hostname.startsWith("*.")
    ? host.endsWith(hostname.slice(1)) && host !== hostname
    : host === hostname;
}

function matchHolds({ path, method, headers, queryParams }: Match, asked: Asked): boolean {
  const [own = "", query = ""] = asked.path.split("?");
  const parameters = new URLSearchParams(query);
  if (method !== undefined && method !== asked.method) return false;
  if (!headers.every(({ name, value }) => asked.headers[name] === value)) return false;
  if (!queryParams.every(({ name, value }) => parameters.get(name) === value)) return false;
  if (path.type === "Exact") return own === path.value;
  if (path.type === "RegularExpression") return new RegExp(`^(?:${path.value})$`).test(own);
  const segments = (text: string): string[] =>
    text.split("/").filter((part, i, all) => i < all.length - 1 || part !== "");
  const prefix = segments(path.value);
  return prefix.every((segment, i) => own.split("/")[i] === segment);
}

/** "Precedence must be given to", in this order. */
function order(a: Candidate, b: Candidate): number {
  const isWild = (hostname: string): boolean => hostname.startsWith("*");
  const exact = (hostname: string): number => (isWild(hostname) ? 0 : hostname.length);
  const kinds = ["RegularExpression", "PathPrefix", "Exact"];
  // A slash at the end of a prefix says nothing.
  const length = ({ path }: Match): number =>
    path.type === "PathPrefix" && path.value !== "/"
      ? path.value.replace(/\/$/, "").length
      : path.value.length;
  const age = (route: RandomRoute): number =>
    route.created === undefined ? Infinity : Date.parse(route.created);
  const comparisons = [
    exact(b.hostname) - exact(a.hostname),
    b.hostname.length - a.hostname.length,
    kinds.indexOf(b.match.path.type) - kinds.indexOf(a.match.path.type),
    length(b.match) - length(a.match),
    Number(b.match.method !== undefined) - Number(a.match.method !== undefined),
    b.match.headers.length - a.match.headers.length,
    b.match.queryParams.length - a.match.queryParams.length,
    age(a.route) === age(b.route) ? 0 : age(a.route) - age(b.route),
    a.route.name < b.route.name ? -1 : a.route.name > b.route.name ? 1 : 0,
    a.rule - b.rule,
  ];
  return comparisons.find((value) => value !== 0) ?? 0;
}
