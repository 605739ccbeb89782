/** Why the incumbent stays until the engine calls the candidate healthy. */
export interface EngineVerdict {
  readonly because: string;
}

/** The engine's verdict as a proxy sees it: `none` if the engine gives no verdict. */
export type Noticed = 'none' | 'waiting' | 'noticed' | 'unhealthy';
