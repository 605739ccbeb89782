// The alert rules and the dashboard name only metrics and labels that swapctl exports.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { FAMILIES, type Family } from '../../src/core/metrics/family.ts';

const families: Readonly<Record<string, Family>> = FAMILIES;
const pathOf = (name: string): string => fileURLToPath(new URL(`../../contrib/${name}`, import.meta.url));
const textOf = (name: string): string => readFileSync(pathOf(name), 'utf8');

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string }[] }[];
}
interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly targets: { readonly expr: string }[];
  }[];
}

const rules = (load(textOf('prometheus/swapctl.rules.yml')) as Rules).groups.flatMap((group) => group.rules);
const { panels } = JSON.parse(textOf('grafana/swapctl.json')) as Dashboard;

/** The names of metrics in an expression, and the labels that it selects by. */
function used(expr: string): { name: string; labels: string[] }[] {
  return [...expr.matchAll(/\b(swapctl_\w+)(?:\{([^}]*)\})?/g)].map(([, name = '', labels = '']) => ({
    name,
    labels: [...labels.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label),
  }));
}

function whyWrong({ name, labels }: { name: string; labels: string[] }): string | undefined {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  const family = families[name] ?? (families[base]?.type === 'histogram' ? families[base] : undefined);
  if (!family) return `${name} does not exist`;
  const strange = labels.filter((label) => !['instance', 'job', ...family.labels].includes(label));
  return strange.length > 0 ? `${name} has no label ${strange.join(', ')}` : undefined;
}

suite('alert rules', () => {
  test('are there for a failed, a held and a stuck roll, a silent daemon and an engine that is down', () => {
    const names = rules.map(({ alert }) => alert);
    for (const wanted of ['RollFailed', 'UpdateHeld', 'RollStuck', 'WatchSilent', 'EngineDown', 'NeedsAttention'])
      assert.ok(names.includes(`Swapctl${wanted}`), wanted);
  });

  for (const { alert, expr } of rules)
    test(`${alert} names only metrics that exist`, () => {
      assert.ok(used(expr).length > 0);
      assert.deepEqual(
        used(expr).flatMap((one) => whyWrong(one) ?? []),
        [],
      );
    });
});

suite('the dashboard', () => {
  for (const { title, targets } of panels)
    test(`${title} names only metrics that exist`, () => {
      const all = targets.flatMap(({ expr }) => used(expr));
      assert.ok(all.length > 0);
      assert.deepEqual(
        all.flatMap((one) => whyWrong(one) ?? []),
        [],
      );
    });

  test('has panels with different ids', () => {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  });
});

suite('this test', () => {
  test('sees a metric and a label that do not exist', () => {
    const wrong = used(
      'rate(swapctl_nothing_total[5m]) + swapctl_roll_gap_seconds_sum{service="x"} + swapctl_engine_up_sum',
    );
    assert.deepEqual(wrong.map(whyWrong), [
      'swapctl_nothing_total does not exist',
      'swapctl_roll_gap_seconds_sum has no label service',
      'swapctl_engine_up_sum does not exist',
    ]);
  });
});

suite('docs/guide/server/metrics.md', () => {
  test('has a row for each metric, with its type and labels', () => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/guide/server/metrics.md', import.meta.url)), 'utf8');
    const rows = [...page.matchAll(/^\| `(\w+)` \| (\w+) \| ([^|]*)\|/gm)].map(([, name, type, labels = '']) => [
      name,
      type,
      [...(labels.match(/\w+/g) ?? [])],
    ]);
    const expected = Object.entries(families).map(([name, { type, labels }]) => [name, type, [...labels]]);
    assert.deepEqual(rows.sort(), expected.sort());
  });
});
