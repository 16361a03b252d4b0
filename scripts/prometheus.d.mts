export function findPrometheus(environment?: NodeJS.ProcessEnv): string | undefined;
export function fetchPrometheus(say: (line: string) => void): void;
