// Types of istio-lab.mjs, for the tests.

type Environment = Record<string, string | undefined>;

export function labDirectory(environment?: Environment): string;
export function prepareLab(
  say?: (line: string) => void,
  environment?: Environment,
  deadline?: number,
): string;
export function findEtcd(directory: string, say?: (line: string) => void, environment?: Environment): string;
