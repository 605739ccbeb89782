import type { Registry } from '../ports.ts';
import type { ClientOptions } from './client.ts';

/** Opens the client when the first question comes: most commands ask no registry. */
export function openRegistry(options: ClientOptions): Registry {
  let opened: Promise<Registry> | undefined;
  const client = (): Promise<Registry> =>
    (opened ??= import('./client.ts').then(({ registryClient }) => registryClient(options)));
  return {
    digest: async (...asked) => (await client()).digest(...asked),
    image: async (...asked) => (await client()).image(...asked),
    tags: async (...asked) => (await client()).tags(...asked),
    close: () => void opened?.then((one) => one.close()).catch(() => {}),
  };
}
