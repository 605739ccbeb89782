/** Why the incumbent stays until the engine calls the candidate healthy. */
export interface EngineVerdict {
  readonly because: string;
}

/** What the engine's verdict on a container is worth to a proxy now: `none` where the engine gives none. */
export type Noticed = 'none' | 'waiting' | 'noticed' | 'unhealthy';
