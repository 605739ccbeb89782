import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { parseDiagnostics } from '../../../src/adapters/traffic/socket-diagnostics.ts';

// The output of ss in three Debian suites for the same sockets: a client with a request in progress, one between two requests, a
// connection without data, one in SYN_RECV, and an outgoing one of the container.
const BOOKWORM = `LISTEN   0      511                      *:8080                    *:*
\t bbr cwnd:10
LISTEN   0      4096        127.0.0.11:37841         0.0.0.0:*
\t cubic cwnd:10
ESTAB    0      0      [::ffff:172.17.0.2]:8080  [::ffff:172.17.0.1]:45246
\t bbr wscale:10,10 rto:204 rtt:0.016/0.008 ato:40 mss:32768 pmtu:65535 rcvmss:536 advmss:65483 cwnd:10 bytes_received:73 segs_out:1 segs_in:3 data_segs_in:1 bbr:(bw:0bps,mrtt:0.016) send 163840000000bps lastsnd:756 lastrcv:756 lastack:756 pacing_rate 468230400000bps delivered:1 app_limited reordering:4 rcv_space:65483 rcv_ssthresh:65483 minrtt:0.016 snd_wnd:65536
ESTAB    0      0      [::ffff:172.17.0.2]:8080  [::ffff:172.17.0.1]:45230
\t bbr wscale:10,10 rto:208 rtt:7.919/14.426 ato:48 mss:32768 pmtu:65535 rcvmss:536 advmss:65483 cwnd:13 bytes_sent:375 bytes_acked:375 bytes_received:195 segs_out:4 segs_in:7 data_segs_out:3 data_segs_in:3 bbr:(bw:11397562496bps,mrtt:0.012,pacing_gain:2.88672,cwnd_gain:2.88672) send 430341205bps lastsnd:800 lastrcv:808 lastack:756 pacing_rate 624307185112bps delivery_rate 11397565216bps delivered:4 app_limited busy:68ms reordering:4 rcv_space:65483 rcv_ssthresh:65483 minrtt:0.012 snd_wnd:65536
ESTAB    0      0                    [::1]:8080                [::1]:47134
\t bbr wscale:10,10 rto:200 rtt:0.018/0.009 mss:32768 pmtu:65536 rcvmss:536 advmss:65464 cwnd:10 segs_in:2 bbr:(bw:0bps,mrtt:0.018) send 145635555556bps lastsnd:772 lastrcv:772 lastack:772 pacing_rate 416204775192bps delivered:1 app_limited rcv_space:65464 rcv_ssthresh:65464 minrtt:0.018 snd_wnd:65536
SYN-RECV 0      0      [::ffff:172.17.0.2]:8080  [::ffff:172.17.0.1]:45250
\t cwnd:10
ESTAB    0      0               172.17.0.2:53344          172.17.0.3:5432
\t bbr wscale:10,10 rto:200 mss:1448 cwnd:10 bytes_sent:9 bytes_received:1 lastsnd:5 lastrcv:4 lastack:4
`;
const TRIXIE = BOOKWORM.replaceAll('snd_wnd:65536', 'snd_wnd:65536 rcv_wnd:65536');
const SID = TRIXIE.replaceAll(/ +$/gm, '').replaceAll('*:*   ', '*:*');
const ONE_LINE = BOOKWORM.replaceAll('\n\t', '');

const EXPECTED = [
  {
    ends: '[::ffff:172.17.0.2]:8080 [::ffff:172.17.0.1]:45246',
    queued: 0,
    unacked: 0,
    sent: 0,
    received: 73,
    sinceSent: 756,
    sinceReceived: 756,
    sinceAck: 756,
    roundTrip: 0.016,
  },
  {
    ends: '[::ffff:172.17.0.2]:8080 [::ffff:172.17.0.1]:45230',
    queued: 0,
    unacked: 0,
    sent: 375,
    received: 195,
    sinceSent: 800,
    sinceReceived: 808,
    sinceAck: 756,
    roundTrip: 0.012,
  },
  {
    ends: '[::1]:8080 [::1]:47134',
    queued: 0,
    unacked: 0,
    sent: 0,
    received: 0,
    sinceSent: 772,
    sinceReceived: 772,
    sinceAck: 772,
    roundTrip: 0.018,
  },
  {
    ends: '[::ffff:172.17.0.2]:8080 [::ffff:172.17.0.1]:45250',
    queued: 0,
    unacked: 0,
    sent: 0,
    received: 0,
    sinceSent: 0,
    sinceReceived: 0,
    sinceAck: 0,
    roundTrip: 0,
  },
];

suite('connections to listening ports, as ss prints them', () => {
  const versions = {
    'iproute2 6.1 (bookworm)': BOOKWORM,
    'iproute2 6.15 (trixie)': TRIXIE,
    'iproute2 7.3 (sid)': SID,
    'one socket a line (-O)': ONE_LINE,
  };
  for (const [name, text] of Object.entries(versions))
    test(name, () => assert.deepEqual(parseDiagnostics(text), EXPECTED));

  test('what waits in the queues is told from what is on its way', () => {
    const queued = BOOKWORM.replace('ESTAB    0      0 ', 'ESTAB    12     7240 ').replace(
      ' lastsnd',
      ' notsent:7000 lastsnd',
    );
    const [first] = parseDiagnostics(queued) ?? [];
    assert.deepEqual([first?.queued, first?.unacked], [7012, 240]);
  });

  test('before Linux 4.19 what was acknowledged is what was sent', () => {
    assert.equal(parseDiagnostics(BOOKWORM.replaceAll(/bytes_sent:\d+ /g, ''))?.[1]?.sent, 375);
  });

  test('what moved less than a millisecond ago, ss leaves out', () => {
    const now = BOOKWORM.replace(' lastsnd:800 lastrcv:808', ' lastrcv:4');
    assert.deepEqual([parseDiagnostics(now)?.[1]?.sinceSent, parseDiagnostics(now)?.[1]?.sinceReceived], [0, 4]);
  });

  test('none without a listener, and none on a machine without connections', () => {
    assert.deepEqual(parseDiagnostics(BOOKWORM.replaceAll(/^LISTEN.*\n.*\n/gm, '')), []);
    assert.deepEqual(parseDiagnostics(''), []);
  });

  test('are unknown if ss had to read /proc/net/tcp (no tcp_diag)', () => {
    assert.equal(parseDiagnostics(BOOKWORM.replaceAll(/^\t.*\n/gm, '')), undefined);
  });
});
