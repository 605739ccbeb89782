import { parseDevRules } from '../build/develop.ts';
import { fail } from '../model/error.ts';
import { readReference } from '../model/reference.ts';
import { parseDuration } from '../text/duration.ts';
import { printable } from '../text/suggest.ts';
import type { BackupPolicy, UserProbe } from './policy.ts';

/** Readers for the values of settings. Each raises `config` with the place and the allowed values. */

export function oneOf<T extends string>(allowed: readonly T[]): (value: string, what: string) => T {
  return (value, what) =>
    allowed.find((candidate) => candidate === value.trim()) ??
    fail('config', `${what}: ${printable(value)} is not allowed`, { hint: `use one of: ${allowed.join(', ')}` });
}

export function flag(value: string, what: string): boolean {
  return oneOf(['true', 'false'])(value, what) === 'true';
}

export function longDuration(value: string, what: string): number {
  return parseDuration(value, what, '365d');
}

export function cmdProbe(value: string, what: string): UserProbe {
  const command = value.trim();
  if (command !== '') return { kind: 'cmd', command };
  return fail('config', `${what} is empty`, { hint: 'give a shell command that ends with 0 when healthy' });
}

// As in a URL whose host is used only as a header: the connection goes to the container's address.
const HTTP_PROBE = /^(?:http:\/\/)?(?:(?!\d+:)([A-Za-z0-9_][A-Za-z0-9_.-]{0,252}):|:)?(\d{1,5})(\/[^\s]*)?$/;

export function httpProbe(value: string, what: string): UserProbe {
  const [, host, number, path = '/'] = HTTP_PROBE.exec(value.trim()) ?? [];
  if (number === undefined)
    return fail('config', `${what}: ${printable(value)} is no port and path`, {
      hint: 'write it like 8080/healthz, or with a Host header like app.example.com:8080/healthz',
    });
  return { kind: 'http', port: port(number, what), path, ...(host === undefined ? {} : { host }) };
}

export function tcpProbe(value: string, what: string): UserProbe {
  return { kind: 'tcp', port: port(value, what) };
}

export function port(value: string, what: string): number {
  const number = /^\d{1,5}$/.test(value.trim()) ? Number(value) : 0;
  if (number < 1 || number > 65_535)
    return fail('config', `${what}: ${printable(value)} is no port`, { hint: 'give a number from 1 to 65535' });
  return number;
}

export function count(value: string, what: string): number {
  if (!/^\d{1,2}$/.test(value.trim()))
    return fail('config', `${what}: ${printable(value)} is no count`, { hint: 'give a number from 0 to 99' });
  return Number(value);
}

// Paths are relative to a folder that only `swapctl dev` knows; here, only the syntax is checked.
export function devRules(value: string, what: string): string {
  parseDevRules(value, '/', what);
  return value;
}

export function volumesToCopy(value: string, what: string): BackupPolicy {
  const said = value.trim();
  if (said === 'true' || said === 'all') return { kind: 'all' };
  if (said === 'false' || said === '') return { kind: 'none' };
  const given = said.split(',').map((name) => name.trim());
  const wrong = given.find((name) => !/^(?:[A-Za-z0-9][A-Za-z0-9_.-]*|\/[^\0]*)$/.test(name));
  if (wrong === undefined) return { kind: 'some', names: given };
  return fail('config', `${what}: ${printable(wrong)} is no name of a volume`, {
    hint: 'use true, false, or names like data, /var/lib/data',
  });
}

export function imageName(value: string, what: string): string {
  const ref = readReference(value.trim());
  if (ref) return ref.text;
  return fail('config', `${what}: ${printable(value)} is no image`, { hint: 'write it like busybox or busybox:1.37' });
}

export function names(value: string, what: string): string[] {
  const given = value.trim() === '' ? [] : value.split(',').map((name) => name.trim());
  const wrong = given.find((name) => !/^[A-Za-z0-9_][A-Za-z0-9_./-]*$/.test(name));
  if (wrong === undefined) return given;
  return fail('config', `${what}: ${printable(wrong)} is no name of a service`, {
    hint: 'write it like db, shop/cache',
  });
}
