/** A login for a registry or the engine: a user with a password, or an identity token. */
export type Login =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string };

/** Finds the login for a registry host such as `ghcr.io` or `localhost:5000`; undefined if there is none. */
export type LoginFor = (registryHost: string) => Promise<Login | undefined>;

/** An image as a registry has it, for one platform. */
export interface RemoteImage {
  /** Of the platform's manifest. */
  readonly manifestDigest: string;
  readonly configDigest: string;
  /** When it was built, in milliseconds since the epoch; undefined if the image does not say. */
  readonly created: number | undefined;
}
