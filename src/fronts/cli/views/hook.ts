import type { HintedService } from '../../../app/app.ts';
import type { PushedRepository } from '../../../core/webhooks/hint.ts';
import type { Page, Style } from '../../terminal/style.ts';
import { table } from '../../terminal/table.ts';
import type { TestedHook } from '../serve/tested-hook.ts';

/** The effect that a message to a hook would have. */
export function hookTrialView(tested: TestedHook, page: Page): string[] {
  const { hook, kind } = tested;
  const { style } = page;
  return [
    style.bold(`hook ${hook} (${kind})`),
    credentialLine(tested, style),
    ...messageLines(tested, style),
    ...serviceLines(tested, page),
  ];
}

function credentialLine({ credential }: TestedHook, style: Style): string {
  switch (credential.outcome) {
    case 'right':
      return `${style.green('✔')} the credential is right`;
    case 'wrong':
      return `${style.red('✘')} refused: ${credential.because}`;
    case 'unchecked':
      return `${style.yellow('!')} the credential was not checked: ${credential.because}`;
  }
}

function messageLines({ message }: TestedHook, style: Style): string[] {
  switch (message.kind) {
    case 'pushed':
      return [`${style.green('✔')} ${message.event}`, ...message.repositories.map((one) => `  ${repositoryText(one)}`)];
    case 'ignored':
      return [`${style.yellow('!')} accepted and ignored: ${message.why}`];
    case 'handshake':
      return [`${style.green('✔')} a handshake, answered with status ${message.response.status}`];
    case 'malformed':
      return [`${style.red('✘')} malformed: ${message.why}`];
  }
}

function repositoryText({ repository, also = [], below, tags, digest }: PushedRepository): string {
  const names = [repository, ...also].join(' or ');
  const all = below ? `${names}, and all below` : names;
  return `${all}: ${tags.length > 0 ? tags.join(', ') : 'any tag'}${digest ? ` (${digest.slice(0, 19)})` : ''}`;
}

function serviceLines({ message, services, error }: TestedHook, page: Page): string[] {
  if (message.kind !== 'pushed') return [];
  if (error) return ['', `${page.style.red('✘')} the services are not known: ${error.message}`];
  if (!services || services.length === 0) return ['', 'no service on this engine tracks this repository'];
  const columns = [
    { title: 'SERVICE', cell: (one: HintedService) => one.service, paint: page.style.bold },
    { title: 'TRACKS', cell: (one: HintedService) => one.tracks, cut: true },
    {
      title: 'RESULT',
      cell: (one: HintedService) => `${one.checked ? 'would be checked' : 'not checked'}: ${one.because}`,
      paint: (text: string, one: HintedService) => (one.checked ? page.style.green : page.style.dim)(text),
    },
  ];
  return ['', ...table(services, columns, page)];
}
