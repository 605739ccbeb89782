import { canonical, repositoryName } from '../../core/model/reference.ts';
import type { Ports } from '../../ports/ports.ts';

/** Makes equal requests only once, and shares the answers. */
export function sharing({ registry, git }: Ports): Pick<Ports, 'registry' | 'git'> {
  const known = new Map<string, Promise<unknown>>();
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const asked = (known.get(key) as Promise<T> | undefined) ?? ask();
    known.set(key, asked);
    return asked;
  };
  return {
    registry: {
      ...registry,
      digest: (ref, signal) => once(`digest ${canonical(ref)}`, () => registry.digest(ref, signal)),
      image: (ref, platform, signal) =>
        once(`image ${canonical(ref)} ${JSON.stringify(platform)}`, () => registry.image(ref, platform, signal)),
      tags: (ref, signal) => once(`tags ${repositoryName(ref)}`, () => registry.tags(ref, signal)),
    },
    git: { ...git, head: (source, signal) => once(`head ${JSON.stringify(source)}`, () => git.head(source, signal)) },
  };
}
