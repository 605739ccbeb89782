/** A mistake, by the path of keys to it. */
export interface Wrong {
  readonly path: readonly PropertyKey[];
  readonly of: 'key' | 'value';
  readonly message: string;
}
