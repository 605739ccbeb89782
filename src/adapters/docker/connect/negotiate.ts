import * as z from 'zod';
import { fail } from '../../../core/model/error.ts';

/** The Docker API versions that swapctl speaks. */
export const OLDEST_API = '1.41';
export const NEWEST_API = '1.51';

/** The engine's version data, and the API version to use with it. */
export type EngineVersion = {
  readonly apiVersion: string;
  readonly minApi: string;
  readonly maxApi: string;
  readonly serverVersion: string;
  readonly engine: 'docker' | 'podman';
  readonly os: string;
  readonly arch: string;
  readonly components: readonly { readonly name: string; readonly version: string }[];
  readonly experimental: boolean;
};

const Api = z.string().regex(/^\d+\.\d+$/);
const Body = z.looseObject({
  ApiVersion: Api,
  MinAPIVersion: Api.or(z.literal('')).nullish(),
  Version: z.string(),
  Os: z.string().nullish(),
  Arch: z.string().nullish(),
  Experimental: z.boolean().nullish(),
  Components: z.array(z.looseObject({ Name: z.string(), Version: z.string().nullish() })).nullish(),
});

/** Compares two API versions such as 1.9 and 1.41: negative, zero or positive. */
export function compareApi(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}

/**
 * From the body of an unversioned GET /version, the highest API version that both sides know, and the engine's version data.
 * Fails with 'engine-unreachable', naming both ranges, if there is none; `where` is the engine's address for messages.
 */
export function negotiate(body: unknown, where: string): EngineVersion {
  const parsed = Body.safeParse(body);
  if (!parsed.success)
    return fail('engine-unreachable', `what answers at ${where} is no Docker Engine`, {
      hint: `its answer to GET /version does not say which API it speaks; try: docker --host ${where} version`,
    });
  const said = parsed.data;
  // An engine without a minimum version is from before there was one.
  const range = { minApi: said.MinAPIVersion || '1.0', maxApi: said.ApiVersion };
  const components = (said.Components ?? []).map(({ Name, Version }) => ({ name: Name, version: Version ?? '' }));
  return {
    ...range,
    apiVersion: common(range, where, said.Version),
    serverVersion: said.Version,
    engine: components.some(({ name }) => /podman/i.test(name)) ? 'podman' : 'docker',
    os: said.Os ?? '',
    arch: said.Arch ?? '',
    components,
    experimental: said.Experimental ?? false,
  };
}

function common({ minApi, maxApi }: { minApi: string; maxApi: string }, where: string, version: string): string {
  const newest = compareApi(maxApi, NEWEST_API) < 0 ? maxApi : NEWEST_API;
  const tooOld = compareApi(newest, OLDEST_API) < 0;
  const tooNew = compareApi(newest, minApi) < 0;
  if (!tooOld && !tooNew) return newest;
  const ranges = `the engine at ${where} (version ${version}) speaks API ${minApi} to ${maxApi}, swapctl speaks ${OLDEST_API} to ${NEWEST_API}`;
  return fail('engine-unreachable', ranges, { hint: tooOld ? 'update the engine' : 'update swapctl' });
}
