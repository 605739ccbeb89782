// The loop's requirements of a proxy: the same statements about each driver, with the real proxy.
import test, { after, suite } from 'node:test';
import { INTERRUPTED } from './traffic-driver/interrupted.ts';
import { REFUSALS } from './traffic-driver/refusals.ts';
import { openStage, type Point, type ProxyUnderTest } from './traffic-driver/stage.ts';
import { SWITCHING } from './traffic-driver/switching.ts';
import { UNDER_LOAD } from './traffic-driver/under-load.ts';

export { type ProxyUnderTest, type RunningProxy, servers } from './traffic-driver/stage.ts';

const POINTS: readonly Point[] = [...SWITCHING, ...UNDER_LOAD, ...REFUSALS, ...INTERRUPTED].toSorted(
  (a, b) => a.number - b.number,
);

export function trafficDriverContract(under: ProxyUnderTest): void {
  const row: string[] = [];
  suite(`${under.name} under the contract of a traffic driver`, { skip: under.skip }, () => {
    for (const point of POINTS) {
      const reason = under.cannot?.[point.number];
      test(`${point.number}. ${point.name}${reason ? ` (cannot: ${reason})` : ''}`, async (t) => {
        const notes: string[] = [];
        const note = (verdict: string): void =>
          void row.push(`| ${under.name} | ${point.number} | ${point.name} | ${verdict} | ${notes.join(', ')} |`);
        try {
          await point.run(await openStage(t, under, (text) => notes.push(text)));
          note(reason === undefined ? 'met' : `met, although ${reason}`);
        } catch (error) {
          note(reason === undefined ? 'FAILED' : `not met: ${reason}`);
          if (reason === undefined) throw error;
          t.diagnostic(`not met: ${(error as Error).message}`);
        }
      });
    }
    after(() => console.log(['| proxy | point | | verdict | figures |', ...row].join('\n')));
  });
}
