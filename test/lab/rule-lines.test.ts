import assert from 'node:assert/strict';
import test from 'node:test';
import { ruleLines } from './rule-lines.ts';

// As nft 1.0.6 and 1.1.7 print it.
const ONE = `table bridge swapctl {
	set flows_ip {
		typeof ip saddr . tcp sport . ip daddr . tcp dport
		timeout 1h
		elements = { 192.0.2.77 . 50000 . 192.0.2.2 . 80 expires 59m59s24ms,
			     192.0.2.78 . 50001 . 192.0.2.2 . 80 timeout 1m expires 44s }
	}
	map to {
		type ipv4_addr : ipv4_addr
		elements = { 10.0.0.1 : 10.0.0.2, 10.0.0.3 : 10.0.0.4 }
	}

	chain in {
		type filter hook prerouting priority filter; policy accept;
		iifname { "br-aaaaaaaaaaaa", "br-bbbbbbbbbbbb" } counter packets 5 bytes 300 accept
	}
}
`;

const OTHER = `table bridge swapctl {
	set flows_ip {
		typeof ip saddr . tcp sport . ip daddr . tcp dport
		timeout 1h
		elements = { 192.0.2.78 . 50001 . 192.0.2.2 . 80 timeout 1m expires 3s, 192.0.2.77 . 50000 . 192.0.2.2
			     . 80 expires 58m1s }
	}
	map to {
		type ipv4_addr : ipv4_addr
		elements = { 10.0.0.3 : 10.0.0.4,
			     10.0.0.1 : 10.0.0.2 }
	}

	chain in {
		type filter hook prerouting priority filter; policy accept;
		iifname { "br-bbbbbbbbbbbb", "br-aaaaaaaaaaaa" } counter packets 7 bytes 412 accept
	}
}
`;

test('two orders of the elements of sets are the same', () => {
  assert.deepEqual(ruleLines(OTHER), ruleLines(ONE));
});

test('every element has a line of its own, and rules are whole', () => {
  const lines = ruleLines(ONE);
  assert.ok(lines.includes('element 192.0.2.78 . 50001 . 192.0.2.2 . 80 timeout 1m'));
  assert.ok(lines.includes('element 10.0.0.1 : 10.0.0.2'));
  assert.ok(lines.includes('iifname { "br-aaaaaaaaaaaa", "br-bbbbbbbbbbbb" } counter accept'));
  assert.ok(lines.includes('chain in {'));
});

test('an element that is missing, and one of another address, are seen', () => {
  assert.notDeepEqual(ruleLines(ONE.replace('10.0.0.1 : 10.0.0.2, ', '')), ruleLines(ONE));
  assert.notDeepEqual(ruleLines(ONE.replaceAll('192.0.2.77', '192.0.2.79')), ruleLines(ONE));
});
