import { messageOf, SwapError } from '../../core/model/error.ts';
import type { Finding } from '../../core/report/status.ts';
import { groupServices } from '../../core/service/service.ts';
import { entryNames } from '../../core/settings/config.ts';
import type { Diagnosis } from '../../core/traffic/connections.ts';
import {
  adviceOn,
  type KernelLayer,
  RULE_KINDS,
  whyNoHandover,
  whyNoRules,
  withoutRules,
} from '../../core/traffic/kernel-layer.ts';
import type { EngineFacts, Ports } from '../../ports/ports.ts';
import { diagnoseProxies } from '../proxy/diagnose.ts';
import { recordedFailures } from '../recovery/failures.ts';
import { listed } from '../select/own.ts';
import { askRunning, kernelLayer } from '../traffic/kernel-layer.ts';

/** The capabilities of this host, with advice for missing ones. */
export async function diagnose(ports: Ports): Promise<Finding[]> {
  const facts = await ports.engine.facts();
  const findings = [
    engine(facts),
    api(facts),
    store(facts),
    place(facts),
    ...(await rights(ports)),
    connections(ports, facts),
    ...(await kernel(ports)),
    ...(await diagnoseProxies(ports)),
    login(ports),
    ...(await configuration(ports)),
  ];
  return Promise.all(findings);
}

function engine(facts: EngineFacts): Finding {
  const found = `${facts.product} ${facts.version} on ${facts.os}/${facts.architecture}, at ${facts.endpoint}`;
  if (facts.product === 'docker') return { check: 'engine', state: 'ok', found };
  return {
    check: 'engine',
    state: 'limited',
    found,
    advice:
      'without systemd Podman runs no health checks: swapctl runs them itself. Its Docker API changes no restart policy, so a ' +
      'machine that starts in the middle of a roll may start the old container too (run swapctl recover), and tells neither ' +
      'fixed addresses and MAC addresses (these are not kept) nor whose the files in volumes are (these are not copied)',
  };
}

function api(facts: EngineFacts): Finding {
  return {
    check: 'API version',
    state: 'ok',
    found: `${facts.apiVersion} agreed on (the engine speaks ${facts.apiRange})`,
  };
}

function store(facts: EngineFacts): Finding {
  return { check: 'image store', state: 'ok', found: facts.imageStore };
}

function place(facts: EngineFacts): Finding {
  if (facts.local)
    return {
      check: 'place',
      state: 'ok',
      found: `the engine runs on this machine${facts.rootless ? ', rootless' : ''}`,
    };
  return {
    check: 'place',
    state: 'limited',
    found: 'the engine runs elsewhere',
    advice:
      'open connections can not be counted from here, so each drain takes its whole time (swapctl.drain.timeout); health checks by HTTP and TCP are out of reach',
  };
}

async function rights(ports: Ports): Promise<Finding[]> {
  try {
    const services = groupServices(await listed(ports.engine));
    await recordedFailures(ports.engine);
    return [
      {
        check: 'rights',
        state: 'ok',
        found: `may list containers and volumes (${services.length} service${services.length === 1 ? '' : 's'})`,
      },
    ];
  } catch (error) {
    const advice =
      'a socket proxy must allow GET containers, images, volumes, info, version, distribution and POST containers, images/create, volumes/create, exec';
    return [
      { check: 'rights', state: 'problem', found: `may not list containers and volumes: ${messageOf(error)}`, advice },
    ];
  }
}

async function connections(ports: Ports, facts: EngineFacts): Promise<Finding> {
  const check = 'drain';
  const counted = await askRunning(ports, async (container) => ({
    open: await ports.traffic.connections(container),
    diagnosis: await ports.traffic.diagnose(container),
  }));
  if (!counted) return { check, state: 'ok', found: 'no container runs, so counting connections was not tried' };
  if (counted.open !== undefined) return idleOnes(check, counted.diagnosis);
  const advice = facts.local
    ? 'run swapctl as root in the host pid namespace; until then each drain takes its whole time'
    : 'each drain takes its whole time (swapctl.drain.timeout)';
  return { check, state: 'limited', found: "open connections of containers can't be counted from here", advice };
}

function idleOnes(check: string, diagnosis: Diagnosis): Finding {
  if (diagnosis.available)
    return { check, state: 'ok', found: 'idle and busy connections of containers can be told apart' };
  const found = `open connections of containers can be counted, but idle ones can't be told from busy ones: ${diagnosis.why}`;
  const advice = `${diagnosis.advice}; until then each drain waits for idle connections as well (swapctl.drain.timeout)`;
  return { check, state: 'limited', found, advice };
}

const KERNEL = 'kernel layer';

async function kernel(ports: Ports): Promise<Finding[]> {
  const layer = await kernelLayer(ports);
  if (!layer.available) return [noKernel(layer)];
  const refused = RULE_KINDS.flatMap((kind) => {
    const trouble = layer.refused?.[kind];
    const found = `no ${kind}: ${whyNoRules(layer, kind)}`;
    return trouble ? [limit(found, `${withoutRules(kind)}; ${adviceOn(trouble)}`)] : [];
  });
  if (refused.length > 0) return refused;
  const why = whyNoHandover(layer);
  if (why !== undefined) return [limit(why, withoutRules('port redirect'))];
  return [{ check: KERNEL, state: 'ok', found: 'nft takes the rules of port redirect, gate and address redirect' }];
}

function noKernel({ why }: Extract<KernelLayer, { available: false }>): Finding {
  return limit(why, RULE_KINDS.map(withoutRules).join('; '));
}

function limit(found: string, advice: string): Finding {
  return { check: KERNEL, state: 'limited', found, advice };
}

async function login(ports: Ports): Promise<Finding> {
  try {
    const hosts = await ports.host.logins();
    const found = hosts.length > 0 ? `credentials for ${hosts.join(', ')}` : 'no credentials; public images only';
    return { check: 'login', state: 'ok', found };
  } catch (error) {
    return {
      check: 'login',
      state: 'problem',
      found: messageOf(error),
      advice: 'mend the file, or log in again with docker login',
    };
  }
}

// A missing file is fine; an existing one must be valid, and name existing services.
async function configuration(ports: Ports): Promise<Finding[]> {
  const check = 'swapctl.yml';
  try {
    const { path, services } = ports.config();
    if (path === undefined) return [];
    // Another finding reports an engine that can't list its containers.
    const there = await listed(ports.engine).then(groupServices, () => undefined);
    const known = there?.flatMap(({ key }) => entryNames(key));
    const strangers = Object.keys(services).filter((name) => known?.includes(name) === false);
    if (strangers.length === 0) return [{ check, state: 'ok', found: path }];
    const found = `${path} has settings for what is not on this engine: ${strangers.join(', ')}`;
    return [{ check, state: 'limited', found, advice: 'they count as soon as it is there; check how it is written' }];
  } catch (error) {
    if (!(error instanceof SwapError)) throw error;
    return [{ check, state: 'problem', found: error.message, ...(error.hint ? { advice: error.hint } : {}) }];
  }
}
