/** Why the incumbent stays until the engine calls the candidate healthy. */
export interface EngineVerdict {
  readonly because: string;
}

/** The present worth of the engine's verdict to a proxy: `none` if the engine gives no verdict. */
export type Noticed = 'none' | 'waiting' | 'noticed' | 'unhealthy';
