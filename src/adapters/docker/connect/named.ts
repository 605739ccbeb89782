import type Dockerode from 'dockerode';

/**
 * The same client, with every name encoded as one part of a path: dockerode puts names into paths as they are. In references, the
 * engine's router needs the slashes; `:` and `@` are harmless in a path.
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
  // A path part that consists of dots would mean a folder.
  if (/^\.{1,2}$/.test(text)) return text.replaceAll('.', '%2E');
  // A name can't contain invalid Unicode either.
  const encoded = encodeURIComponent(Buffer.from(text).toString());
  return encoded.replaceAll('%3A', ':').replaceAll('%40', '@');
}
