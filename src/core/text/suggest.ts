/** A user's text made safe to print: quoted, escaped and shortened. */
export function printable(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}

const FEW_SLIPS = 2;

/** The known word that the user probably meant: one with a few typing errors, or with its end missing. */
export function nearest(known: readonly string[], given: string): string | undefined {
  const slips = known.map((word) => ({ word, count: distance(word, given) })).sort((a, b) => a.count - b.count);
  const [best] = slips;
  // In a short word, more slips would leave too little to recognize.
  if (best && best.count <= Math.min(FEW_SLIPS, given.length / 2)) return best.word;
  const longer = known.filter((word) => given !== '' && word.startsWith(`${given}.`));
  return longer.length === 1 ? longer[0] : undefined;
}

/** Edit distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
