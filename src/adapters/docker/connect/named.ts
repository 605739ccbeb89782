import type Dockerode from 'dockerode';

/**
 * The same client, for which a name is one part of a path and nothing else, whatever is in it: dockerode puts names into paths as
 * they are. Of references, the engine's router wants the slashes; `:` and `@` mean nothing in a path.
 */
export function withNamesEncoded(Docker: typeof Dockerode): typeof Dockerode {
  return class extends Docker {
    override getContainer(id: string): Dockerode.Container {
      return super.getContainer(segment(id));
    }
    override getImage(reference: string): Dockerode.Image {
      return super.getImage(reference.split('/').map(segment).join('/'));
    }
    override getVolume(name: string): Dockerode.Volume {
      return super.getVolume(segment(name));
    }
    override getNetwork(id: string): Dockerode.Network {
      return super.getNetwork(segment(id));
    }
  };
}

function segment(text: string): string {
  // A dot alone means a folder to whoever reads the path.
  if (/^\.{1,2}$/.test(text)) return text.replaceAll('.', '%2E');
  // What is no Unicode can't be in a name either.
  const encoded = encodeURIComponent(Buffer.from(text).toString());
  return encoded.replaceAll('%3A', ':').replaceAll('%40', '@');
}
