import type { RegistryReach } from '../../ports/ports.ts';
import type { Registry } from '../../ports/registry.ts';
import type { ClientOptions } from './client.ts';

/** The environment of the client; the engine's registry rules are asked for on demand. */
type Options = Omit<ClientOptions, 'rules'> & { readonly rules: () => Promise<RegistryReach> };

/** Opens the client at the first request: most commands ask no registry. */
export function openRegistry({ rules, ...options }: Options): Registry {
  let opened: Promise<Registry> | undefined;
  const open = async (): Promise<Registry> => {
    const [{ registryClient }, told] = await Promise.all([import('./client.ts'), rules()]);
    return registryClient({ ...options, rules: told });
  };
  const client = (): Promise<Registry> => {
    opened ??= open();
    // An engine that does not answer now may answer the next request.
    opened.catch(() => {
      opened = undefined;
    });
    return opened;
  };
  return {
    digest: async (...asked) => (await client()).digest(...asked),
    image: async (...asked) => (await client()).image(...asked),
    tags: async (...asked) => (await client()).tags(...asked),
    close: () => void opened?.then((one) => one.close()).catch(() => {}),
  };
}
