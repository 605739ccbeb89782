// Every rule script, loaded by the nft of one Debian suite, continued by that of another, and listed by all of them.
import { spawnSync } from 'node:child_process';
import { isLive, redirectedClients } from '../../../src/adapters/traffic/nftables/address-redirect-rules.ts';
import type { Example } from '../../../src/adapters/traffic/nftables/examples.ts';
import { portRedirectIn } from '../../../src/adapters/traffic/nftables/rules.ts';
import { objectsOf, type Table } from '../../../src/adapters/traffic/nftables/table.ts';
import { NFT_SUITES, type NftSuite, nftOf } from '../../lab/nft.ts';

/** The result of one nft for one script. */
export interface Trial {
  example: string;
  builder: string;
  /** The suite of the nft for the first script, and of that for this one. */
  creator: NftSuite;
  writer: NftSuite;
  /** Exit status of `nft -c -f` and `nft -f`, and their output. */
  loaded: { status: number; words: string };
  readers: { suite: NftSuite; status: number; words: string; facts: unknown }[];
}

// Redirected connections in the kernel's table, and one that nobody has answered so far.
const FLOWS = [
  'add element bridge TABLE flows_ip { 192.0.2.77 . 50000 . 192.0.2.2 . 80 }',
  'add element bridge TABLE flows_ip6 { 2001:db8::77 . 50001 . 2001:db8::2 . 80 }',
  'add element inet TABLE flows_ip { 192.0.2.77 . 50002 . 192.0.2.2 . 80 }',
  'add element inet TABLE unanswered_ip { 192.0.2.77 . 50003 . 192.0.2.2 . 80 }',
];

/** Loads the scripts of an example one after the other in a network namespace of its own. */
export function tryOut(example: Example, creator: NftSuite, continuer: NftSuite): Trial[] {
  const steps = example.scripts.map(([builder, script], at) => ({
    builder,
    script,
    writer: at === 0 ? creator : continuer,
  }));
  const answers = inNamespace(steps.flatMap(({ writer, script }) => commandsFor(writer, script)));
  return steps.map(({ builder, writer }, at) => {
    const [loaded, ...listed] = answers.slice(at * PER_STEP, (at + 1) * PER_STEP);
    const readers = NFT_SUITES.map((suite, of) => readerOf(suite, listed.slice(2 * of, 2 * of + 2)));
    return { example: example.name, builder, creator, writer, loaded: statusOf(loaded), readers };
  });
}

function portRedirectOf({ kind, name }: Example): string {
  if (kind === 'connection share') return 'shared';
  return name.includes('lasting') ? 'lasting' : 'expiring';
}

/** What a reader is to find after a script. */
export function expectedFacts(example: Example, builder: string): unknown {
  const flows = [
    { address: '192.0.2.77', port: 50_000, to: '192.0.2.2' },
    { address: '192.0.2.77', port: 50_002, to: '192.0.2.2' },
    { address: '2001:db8::77', port: 50_001, to: '2001:db8::2' },
  ];
  const none = { tables: 0, portRedirect: 'over', live: false, flows: [] };
  switch (builder) {
    case 'portRedirectScript':
      return { ...none, tables: 1, portRedirect: portRedirectOf(example) };
    case 'hostScript':
    case 'renewScript':
      return { ...none, tables: 2, live: true, flows };
    case 'haltScript':
      return { ...none, tables: 2, flows };
    case 'holdScript':
      return { ...none, tables: 2 };
    case 'removeScript':
    case 'clearHostScript':
    case 'endHoldScript':
      return none;
    default:
      return { ...none, tables: 1 };
  }
}

function commandsFor(writer: NftSuite, script: string): string[] {
  const [, table] = (script.includes('flows_ip') && /^table bridge (\S+) \{$/m.exec(script)) || [];
  const flows = table ? FLOWS.map((line) => `${line.replace('TABLE', table)}\n`).join('') : '';
  const { program } = nftOf(writer);
  const load = `'${program}' -c -f - <<'END' && '${program}' -f - <<'END2'\n${script}END\n${script}${flows}END2\n`;
  const list = NFT_SUITES.flatMap((suite) => [
    `'${nftOf(suite).program}' -j list ruleset`,
    `'${nftOf(suite).program}' list ruleset > /dev/null`,
  ]);
  return [load, ...list];
}

const PER_STEP = 1 + 2 * NFT_SUITES.length;

interface Answer {
  status: number;
  output: string;
}

function inNamespace(commands: string[]): Answer[] {
  const lines = commands.map((command) => `{\n${command}\n} 2>&1\nprintf '\\n--- %s\\n' "$?"`);
  const { stdout, stderr } = spawnSync('unshare', ['--net', 'sh'], { input: lines.join('\n'), encoding: 'utf8' });
  const answers = stdout.split(/(?<=^--- \d+\n)/m).map((text) => {
    const [, output = '', status] = /^([\s\S]*?)\n--- (\d+)\n$/.exec(text) ?? [];
    return { status: Number(status), output };
  });
  if (answers.length !== commands.length) throw new Error(`${answers.length} answers: ${stdout}${stderr}`);
  return answers;
}

function statusOf(answer: Answer | undefined): { status: number; words: string } {
  return { status: answer?.status ?? -1, words: answer?.output.trim() ?? '' };
}

function readerOf(suite: NftSuite, [json, text]: Answer[]): Trial['readers'][number] {
  const status = json?.status || text?.status || 0;
  if (!json || status !== 0) return { suite, status, words: `${json?.output}${text?.output}`, facts: undefined };
  const table: Table = JSON.parse(json.output);
  const facts = {
    tables: objectsOf(table, 'table').length,
    portRedirect: portRedirectIn(table),
    live: isLive(table),
    flows: redirectedClients(table),
  };
  return { suite, status, words: '', facts };
}
