import { fail, SwapError } from '../model/error.ts';
import { doubtedOf, narrowed, type OwnLabels } from '../model/own-labels.ts';
import { nearest, printable } from '../text/suggest.ts';
import { isNoLessCareful } from './careful.ts';
import type { FileSettings } from './config.ts';
import type { Policy } from './policy.ts';
import { clashing, DEFAULTS, SETTINGS, type Setting, settingOf, shownValue } from './table.ts';

/** One line of `swapctl plan --explain`: a setting, its value as written, and its source. */
export interface Explained {
  readonly setting: string;
  readonly value: string | undefined;
  readonly source: 'flag' | 'label' | 'file' | 'default';
  /** The option, the label, or file and line; undefined for defaults. */
  readonly where: string | undefined;
}

type Texts = Readonly<Record<string, string>>;

const PREFIX = 'swapctl.';
const OWN = `${PREFIX}state.`;
// Test suites mark their objects with it; it steers nothing.
const MARK = `${PREFIX}test`;

/** The keys of the labels that steer swapctl, with their prefix. */
export const POLICY_LABELS: readonly string[] = Object.keys(SETTINGS).map((key) => PREFIX + key);

/**
 * The policy of a service: the command line (`overrides`, by label key without the prefix) beats the container's label (set by
 * its user, not by its image), the label beats the service's entry in swapctl.yml, which beats the file's defaults, which beat
 * the built-in default. Raises `config` for unknown keys and wrong values.
 */
export function readPolicy(labels: OwnLabels, overrides: Texts = {}, file: FileSettings = NO_FILE): Policy {
  return Object.assign({}, DEFAULTS, ...[...decided(labels, overrides, file).values()].map(({ fields }) => fields));
}

/** The source of each setting's value; input and errors are those of `readPolicy`. */
export function explainPolicy(labels: OwnLabels, overrides: Texts, file: FileSettings): Explained[] {
  const found = decided(labels, overrides, file);
  return Object.entries(SETTINGS).map(([key, { field, preset }]) => {
    const said = found.get(field);
    if (said?.key !== key) return { setting: key, value: preset, source: 'default', where: undefined };
    return { setting: key, value: shownValue(key, said.value), source: said.source, where: said.where };
  });
}

/** Only the `enable` part of the policy: it counts even if other settings of the service are wrong. */
export function enablePolicy(own: OwnLabels, file: FileSettings): Pick<Policy, 'enable'> {
  return readPolicy(narrowed(own, [ENABLE]), {}, file);
}

/** True: `enable` is set for this very service, not for all services at once. */
export function isEnabledItself(own: OwnLabels, { service: { enable } }: FileSettings): boolean {
  return enablePolicy(own, { defaults: {}, service: enable ? { enable } : {} }).enable === true;
}

const ENABLE = `${PREFIX}enable`;

const NO_FILE: FileSettings = { defaults: {}, service: {} };

/** One setting from one source. */
interface Said {
  readonly key: string;
  readonly value: string;
  readonly source: 'flag' | 'label' | 'file';
  readonly where: string;
  readonly fields: Partial<Policy>;
}

// A later source wins, by the field and not by the key: `health.tcp` of a label overrules `health.http` of the file.
function decided(labels: OwnLabels, overrides: Texts, file: FileSettings): Map<keyof Policy, Said> {
  const inFile = byField([...fromFile(file.defaults), ...fromFile(file.service)]);
  const counting = inDoubt(labels)
    ? [...fromLabels(labels).filter((one) => isCareful(one, inFile, true)), ...fromDoubted(labels, inFile)]
    : fromLabels(labels);
  return new Map([...inFile, ...byField(counting), ...byField(fromFlags(overrides))]);
}

function byField(layer: Layer): Map<keyof Policy, Said> {
  return new Map(layer.map(({ setting, ...said }) => [setting.field, said]));
}

/** The labels of settings that do not count, since either the container's user or its image may have set them. */
export function uncountedLabels(labels: OwnLabels, file: FileSettings): string[] {
  const doubted = doubtedOf(labels);
  if (!doubted) return [];
  const counting = new Set([...decided(labels, {}, file).values()].map(({ where }) => where));
  return POLICY_LABELS.filter((label) => label in { ...labels, ...doubted } && !counting.has(label));
}

function inDoubt(labels: OwnLabels): boolean {
  return doubtedOf(labels) !== undefined;
}

// Ignore an unreadable value of uncertain origin.
function fromDoubted(labels: OwnLabels, inFile: ReadonlyMap<keyof Policy, Said>): Layer {
  return Object.entries(doubtedOf(labels) ?? {}).flatMap(([label, value]) => {
    try {
      const one = said(label.slice(PREFIX.length), value, 'label', label, `label ${label}`);
      return isCareful(one, inFile, false) ? [one] : [];
    } catch (raised) {
      if (raised instanceof SwapError) return [];
      throw raised;
    }
  });
}

// A label of uncertain origin never makes swapctl less careful than the file does. `harmless`: compared with the defaults it may,
// if its value is neither more nor less careful.
function isCareful(
  { setting: { field }, fields }: Layer[number],
  inFile: ReadonlyMap<keyof Policy, Said>,
  harmless: boolean,
): boolean {
  const known = inFile.get(field)?.fields;
  if (!known && harmless) return true;
  return isNoLessCareful(field, fields[field], { ...DEFAULTS, ...known }[field]) ?? harmless;
}

type Layer = (Said & { readonly setting: Setting })[];

function fromFile(settings: FileSettings['defaults']): Layer {
  return Object.entries(settings).map(([key, { value, where }]) => said(key, value, 'file', where, `${where}: ${key}`));
}

function fromLabels(labels: OwnLabels): Layer {
  const steering = Object.entries(labels).filter(([label]) => label.startsWith(PREFIX) && !isMark(label));
  const clash = clashing(steering.map(([label]) => label.slice(PREFIX.length)));
  if (clash.length > 0)
    fail('config', `${clash.map((key) => PREFIX + key).join(' and ')} are set at once`, { hint: 'keep one of them' });
  return steering.map(([label, value]) => said(label.slice(PREFIX.length), value, 'label', label, `label ${label}`));
}

function fromFlags(overrides: Texts): Layer {
  return Object.entries(overrides).map(([key, value]) => {
    const flag = `--${key.replaceAll('.', '-')}`;
    return said(key, value, 'flag', flag, flag);
  });
}

function said(key: string, value: string, source: Said['source'], where: string, what: string): Layer[number] {
  const setting = settingOf(key) ?? unknownLabel(PREFIX + key);
  const fields = setting.read(value, what);
  const counting = source === 'label' && setting.asLabel ? setting.asLabel(fields, what) : fields;
  return { key, value, source, where, setting, fields: counting };
}

function isMark(label: string): boolean {
  return label.startsWith(OWN) || label === MARK || label.startsWith(`${MARK}.`);
}

function unknownLabel(label: string): never {
  const near = nearest(POLICY_LABELS, label);
  return fail('config', `label ${printable(label)} is none that swapctl knows`, {
    hint: near ? `did you mean ${near}?` : `known are: ${POLICY_LABELS.join(', ')}`,
  });
}
