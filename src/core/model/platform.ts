/** The platform of an image, in Go's names, as registries use them (OCI image specification, image index). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string | undefined;
}

// The engine calls its machine by the kernel's name, images by Go's.
const GO_NAMES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm',
  armv6l: 'arm',
  i686: '386',
};

/** Go's name of an engine's architecture. */
export function goArchitecture(engine: string): string {
  return GO_NAMES[engine] ?? engine;
}

/** The entry of an index for a platform: the same variant if there are several, else the first. */
export function choosePlatform<T extends { readonly platform: Platform | undefined }>(
  entries: readonly T[],
  wanted: Platform,
): T | undefined {
  const fits = entries.filter(
    ({ platform }) => platform?.os === wanted.os && platform.architecture === wanted.architecture,
  );
  return fits.find(({ platform }) => platform?.variant === wanted.variant) ?? fits[0];
}
