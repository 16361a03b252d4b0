export function findChromium(environment?: NodeJS.ProcessEnv): string | undefined;
export function installChromium(say: (line: string) => void): void;
