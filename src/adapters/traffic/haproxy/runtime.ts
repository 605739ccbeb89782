import type { ProxyAccess, ProxySocket } from '../../../ports/proxy-access.ts';

/** HAProxy's words to a command that it did not do. */
export class CommandRefused extends Error {}

/** The Runtime API: a connection for each command, since only its end marks the end of an answer. */
export class Runtime {
  readonly #access: ProxyAccess;
  readonly #socket: ProxySocket;
  readonly #signal: AbortSignal;

  constructor(access: ProxyAccess, socket: ProxySocket, signal: AbortSignal) {
    [this.#access, this.#socket, this.#signal] = [access, socket, signal];
  }

  async ask(command: string): Promise<string> {
    const answer = (await this.#access.exchange(this.#socket, `${command}\n`, this.#signal)).trim();
    if (/^Permission denied/.test(answer)) throw new CommandRefused(`${answer} (the socket needs "level admin")`);
    return answer;
  }

  /** A command that answers with nothing, or with words that match, if it was done. */
  async send(command: string, done = /^$/): Promise<void> {
    const answer = await this.ask(command);
    if (!done.test(answer)) throw new CommandRefused(answer === '' ? `no answer to "${command}"` : answer);
  }

  /** The servers of a backend; undefined if there is no such backend. */
  async servers(backend: string): Promise<RuntimeServer[] | undefined> {
    const state = await this.ask(`show servers state ${backend}`);
    const rows = tableOf(state, '# be_id', ' ');
    if (rows === undefined) return undefined;
    const stats = tableOf(await this.ask(`show stat ${rows[0]?.be_id ?? 0} 4 -1`), '# pxname', ',') ?? [];
    const pools = tableOf(await this.ask(`show servers conn ${backend}`), '# bkname/svname', ' ') ?? [];
    return rows.map((row) => {
      const counts = stats.find(({ svname }) => svname === row.srv_name);
      const pool = pools.find((one) => one['bkname/svname'] === `${backend}/${row.srv_name}`);
      return serverOf(row, counts, pool);
    });
  }
}

/** A server as HAProxy acts on it. */
export interface RuntimeServer {
  readonly name: string;
  /** `IP:PORT`, an IPv6 address in brackets. */
  readonly address: string;
  readonly admin: 'maint' | 'drain' | 'ready';
  /** It gets requests if it is ready. */
  readonly running: boolean;
  readonly weight: number;
  /** As the configuration has it. */
  readonly ownWeight: number;
  readonly inFlight: number;
  readonly idle: number | undefined;
}

type Row = Readonly<Record<string, string>>;

// include/haproxy/server-t.h: SRV_ADMF_*; 0x04 only says that the configuration disabled it.
const MAINT = 0x63;
const DRAIN = 0x18;
const RUNNING = '2';

function serverOf(row: Row, counts: Row | undefined, pool: Row | undefined): RuntimeServer {
  const admin = Number(row.srv_admin_state);
  const host = row.srv_addr ?? '';
  const idle = pool?.idle_cur;
  return {
    name: row.srv_name ?? '',
    address: host.includes(':') ? `[${host}]:${row.srv_port}` : `${host}:${row.srv_port}`,
    admin: (admin & MAINT) !== 0 ? 'maint' : (admin & DRAIN) !== 0 ? 'drain' : 'ready',
    running: row.srv_op_state === RUNNING,
    weight: Number(row.srv_uweight),
    ownWeight: Number(row.srv_iweight),
    inFlight: Number(counts?.scur ?? 0) + Number(counts?.qcur ?? 0),
    idle: idle === undefined ? undefined : Number(idle),
  };
}

/** The rows below a line of headings; undefined if there are no headings. */
function tableOf(answer: string, headings: string, separator: string): Row[] | undefined {
  const lines = answer.split('\n');
  const at = lines.findIndex((line) => line.startsWith(headings));
  if (at < 0) return undefined;
  const names = lines[at]?.replace(/^# /, '').split(separator) ?? [];
  const rows = lines.slice(at + 1).filter((line) => line.trim() !== '');
  return rows.map((line) => {
    const values = line.split(separator);
    return Object.fromEntries(names.map((name, column) => [name, values[column] ?? '']));
  });
}
