import type { ContainerSummary } from '../../core/model/container.ts';
import { SwapError } from '../../core/model/error.ts';
import { shownPlace } from '../../core/proxy/place.ts';
import { proxyReport, proxyText } from '../../core/proxy/report.ts';
import type { Finding } from '../../core/report/status.ts';
import { groupServices, type Service } from '../../core/service/service.ts';
import type { Ports } from '../../ports/ports.ts';
import { listed } from '../select/own.ts';
import { lenientSettingsOf } from '../select/settings.ts';
import { prepareProxy } from './proxied.ts';

const NEVER = new AbortController().signal;

/** Tests the proxies that services name, as a roll would before its first change. */
export async function diagnoseProxies(ports: Ports): Promise<Finding[]> {
  const all = await listed(ports.engine).catch(() => []);
  const findings = await Promise.all(groupServices(all).map((service) => findingOf(ports, service, all)));
  return findings.filter((one) => one !== undefined);
}

async function findingOf(
  ports: Ports,
  { key, slots }: Service,
  all: readonly ContainerSummary[],
): Promise<Finding | undefined> {
  const member = slots[0]?.members[0];
  const policy = member && settings(ports, key, member);
  if (!member || !policy?.proxy) return undefined;
  const check = `proxy of ${key}`;
  const container = await ports.engine.container(member.id);
  if (container?.status !== 'running')
    return { check, state: 'ok', found: `${shownPlace(policy.proxy)}, not tested: ${member.name} does not run` };
  try {
    const report = proxyReport(await prepareProxy(ports, key, container, policy, all, NEVER));
    if (!report) return undefined;
    const advice = report.warnings.join('; ');
    return { check, state: advice === '' ? 'ok' : 'limited', found: proxyText(report), ...(advice && { advice }) };
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    const state = error.code === 'busy' ? 'limited' : 'problem';
    return { check, state, found: error.message, ...(error.hint ? { advice: error.hint } : {}) };
  }
}

// Another finding reports a wrong swapctl.yml.
function settings(
  ports: Ports,
  key: string,
  member: ContainerSummary,
): ReturnType<typeof lenientSettingsOf> | undefined {
  try {
    return lenientSettingsOf(ports, key, member.labels);
  } catch (error) {
    if (error instanceof SwapError) return undefined;
    throw error;
  }
}
