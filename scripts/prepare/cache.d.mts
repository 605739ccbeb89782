export function cacheFolder(): string;
export function prepared(name: string): string;
