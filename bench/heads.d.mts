export function heads(urls: readonly string[]): Promise<void>;
