// Importing all of it would read fifty files at every start.
import { RE2JS } from 're2js';
import satisfies from 'semver/functions/satisfies.js';
import validRange from 'semver/ranges/valid.js';
import { fail } from '../model/error.ts';
import type { ImageRef } from '../model/reference.ts';
import { compareNumbers, parseVersion, sameKind, type Version } from './version.ts';

/** The tags to track. `digest`: only the tag that the container was created from. */
export type Track =
  | { readonly kind: 'digest' }
  | { readonly kind: 'step'; readonly upTo: 'major' | 'minor' | 'patch' }
  | { readonly kind: 'newest' }
  | { readonly kind: 'range'; readonly range: string }
  | { readonly kind: 'regex'; readonly pattern: LinearPattern };

/** A pattern that takes linear time: users and images write the patterns, and registries the texts. */
type LinearPattern = RE2JS;

const LONGEST = 200;
const HINT = 'use digest, major, minor, patch, newest, a range such as ^1.4, or regex: with a group round each number';

/** Reads a `swapctl.track` value; `what` names the setting in the error. Raises `config`. */
export function parseTrack(value: string, what: string): Track {
  const text = value.trim();
  if (text === 'digest' || text === 'newest') return { kind: text };
  if (text === 'major' || text === 'minor' || text === 'patch') return { kind: 'step', upTo: text };
  if (text.startsWith('regex:')) return { kind: 'regex', pattern: patternOf(text.slice('regex:'.length), what) };
  const range = text.length <= LONGEST ? validRange(text) : null;
  if (text === '' || range === null)
    return fail('config', `${what}: ${printable(value)} is not a tag policy`, { hint: HINT });
  return { kind: 'range', range: text };
}

/**
 * The reference to track now, given all tags of the repository: the newest that the track allows, or the present one if none is
 * newer. Never an older one. Only tags of the same kind count: the same text before and after the version (`v`, `-alpine`; never
 * an older `-alpine3.20`), as many numbers, and pre-releases only if the present tag is one.
 */
export function trackedNow(track: Track, follows: ImageRef, tags: readonly string[]): ImageRef {
  if (track.kind === 'digest' || follows.tag === undefined || follows.digest !== undefined) return follows;
  const best = newest(candidates(track, follows.tag, tags));
  return best === undefined || best === follows.tag ? follows : withTag(follows, best);
}

/**
 * Warns that a track can't find anything newer, since no other tag of the repository is comparable with the tracked one;
 * undefined if one is.
 */
export function nothingComparable(
  track: Track,
  { tag: current }: ImageRef,
  tags: readonly string[],
): string | undefined {
  if (track.kind === 'digest' || current === undefined) return undefined;
  const others = tags.filter((tag) => tag !== current);
  if (others.length === 0 || others.some((tag) => isComparable(track, current, tag))) return undefined;
  const count = others.length === 1 ? 'the one other tag' : `none of the ${others.length} other tags`;
  const verb = others.length === 1 ? 'cannot be compared' : 'can be compared';
  return `swapctl.track finds nothing newer: ${count} of the repository ${verb} with ${printable(current)}`;
}

function isComparable(track: Exclude<Track, { kind: 'digest' }>, current: string, tag: string): boolean {
  if (track.kind === 'regex') return captured(track.pattern, tag) !== undefined;
  const version = parseVersion(tag);
  return version !== undefined && comparable(track, parseVersion(current), version);
}

/** True: the choice of the reference needs the tags of the repository. */
export function needsTags(track: Track, { tag, digest }: ImageRef): boolean {
  return track.kind !== 'digest' && tag !== undefined && digest === undefined;
}

interface Candidate {
  readonly tag: string;
  readonly rank: readonly number[];
  /** Of two with the same rank, the tag that is written like the tracked one wins. */
  readonly alike: boolean;
}

function candidates(track: Exclude<Track, { kind: 'digest' }>, current: string, tags: readonly string[]): Candidate[] {
  return track.kind === 'regex' ? byPattern(track.pattern, current, tags) : byVersion(track, current, tags);
}

function byPattern(pattern: LinearPattern, current: string, tags: readonly string[]): Candidate[] {
  const floor = captured(pattern, current);
  return tags.flatMap((tag) => {
    const rank = captured(pattern, tag);
    const newer = rank !== undefined && (floor === undefined || compareNumbers(rank, floor) > 0);
    return newer ? [{ tag, rank, alike: true }] : [];
  });
}

// A group without a match counts as zero; one that holds no number gives no order.
function captured(pattern: LinearPattern, tag: string): number[] | undefined {
  const matcher = pattern.matcher(tag);
  if (!matcher.find()) return undefined;
  const groups = Array.from({ length: matcher.groupCount() }, (_, at) => matcher.group(at + 1) ?? '0');
  return groups.every((group) => /^\d{1,15}$/.test(group)) ? groups.map(Number) : undefined;
}

type VersionTrack = Exclude<Track, { kind: 'digest' | 'regex' }>;

function byVersion(track: VersionTrack, current: string, tags: readonly string[]): Candidate[] {
  const now = parseVersion(current);
  if (now === undefined && track.kind !== 'range')
    return fail(
      'config',
      `swapctl.track: the tracked tag ${printable(current)} has no version to compare others with`,
      {
        hint: 'follow a tag with a version, or set a range such as ^1.4',
      },
    );
  return tags.flatMap((tag) => {
    const version = parseVersion(tag);
    if (!version || !comparable(track, now, version) || !allows(track, now, version)) return [];
    if (now && compareVersions(version, now) <= 0) return [];
    return [{ tag, rank: rankOf(version), alike: now?.numbers.length === version.numbers.length }];
  });
}

// A range for a tag without a version means plain releases: 1.4.2 or v1.4.2.
function comparable(track: VersionTrack, now: Version | undefined, version: Version): boolean {
  if (!now) return /^v?$/.test(version.prefix) && version.suffix === '' && version.numbers.length === 3 && !version.pre;
  if (version.pre && !now.pre) return false;
  if (!sameKind(now, version) || compareNumbers(version.base, now.base) < 0) return false;
  return track.kind === 'newest' || now.numbers.length === version.numbers.length;
}

function allows(track: VersionTrack, now: Version | undefined, version: Version): boolean {
  const same = (count: number): boolean =>
    [...Array(count).keys()].every((at) => (now?.numbers[at] ?? 0) === (version.numbers[at] ?? 0));
  switch (track.kind) {
    case 'newest':
      return true;
    case 'step':
      return same({ major: 0, minor: 1, patch: 2 }[track.upTo]);
    case 'range':
      return satisfies(asSemver(version), track.range, { includePrerelease: now?.pre !== undefined });
  }
}

// Semantic versions have three numbers; further parts of a tag count only for the order.
function asSemver({ numbers: [major = 0, minor = 0, patch = 0], pre }: Version): string {
  return `${major}.${minor}.${patch}${pre ? `-${pre.join('.')}` : ''}`;
}

function compareVersions(a: Version, b: Version): number {
  return compareNumbers(rankOf(a), rankOf(b));
}

const PARTS = 6;
const STAGE_PARTS = 5;

// A release is above all of its pre-releases. Of two builds of the same version, the one on the newer system is newer.
function rankOf({ numbers, stage, base }: Version): number[] {
  return [...filled(numbers, PARTS), ...filled(stage ?? [Number.POSITIVE_INFINITY], STAGE_PARTS), ...base];
}

function filled(numbers: readonly number[], length: number): number[] {
  return [...numbers, ...Array<number>(length).fill(0)].slice(0, length);
}

function newest(all: readonly Candidate[]): string | undefined {
  const above = (a: Candidate, b: Candidate): number =>
    compareNumbers(b.rank, a.rank) || Number(b.alike) - Number(a.alike) || (a.tag < b.tag ? -1 : 1);
  return [...all].sort(above)[0]?.tag;
}

function withTag(follows: ImageRef, tag: string): ImageRef {
  const { text } = follows;
  const written = `:${follows.tag}`;
  return { ...follows, text: `${text.endsWith(written) ? text.slice(0, -written.length) : text}:${tag}`, tag };
}

function patternOf(source: string, what: string): LinearPattern {
  try {
    const pattern = RE2JS.compile(source.slice(0, LONGEST));
    if (pattern.groupCount() > 0 && source.length <= LONGEST) return pattern;
  } catch {
    // The mistake is reported below.
  }
  return fail('config', `${what}: ${printable(source)} is no pattern of up to ${LONGEST} characters with a group`, {
    hint: 'write it like regex:^(\\d+)\\.(\\d+)-ls(\\d+)$; what looks ahead or back (?=, \\1) is not known',
  });
}

function printable(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
