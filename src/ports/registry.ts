import type { Platform } from '../core/model/platform.ts';
import type { ImageRef } from '../core/model/reference.ts';
import type { RemoteImage } from '../core/model/registry.ts';

/**
 * The registries of references, asked directly (OCI distribution specification), with the logins, mirrors, exceptions and
 * certificates of the engine. Raises `no-such-image`, `login`, `rate-limited`, `bad-answer` (an answer that can't be right, such
 * as a manifest that does not match its digest), `registry-unreachable`.
 */
export interface Registry {
  /** The present target of the tag, an index or a manifest: one HEAD, which no registry counts as a pull. */
  digest(reference: ImageRef, signal: AbortSignal): Promise<string>;
  /** The image of a digest (`repository@digest`) for a platform. Raises `wrong-platform` if there is none. */
  image(reference: ImageRef, platform: Platform, signal: AbortSignal): Promise<RemoteImage>;
  /** All tags of the repository. */
  tags(reference: ImageRef, signal: AbortSignal): Promise<string[]>;
  close(): void;
}
