// A listing of nft as lines that two states of a machine are compared by.

/**
 * One line each for every rule and every element of a set, without what changes by itself. nft prints the elements of a set in the
 * order in which the kernel holds them, which is another one after each change, and breaks their lines anywhere.
 */
export function ruleLines(listing: string): string[] {
  return withoutCounts(listing)
    .replace(/\belements = \{([^{}]*)\}/g, (_, elements) => inOrder(elements, 'element ', '\n'))
    .replace(/\{([^{}\n]*,[^{}\n]*)\}/g, (_, elements) => `{ ${inOrder(elements, '', ', ')} }`)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== '}');
}

function withoutCounts(listing: string): string {
  return listing.replace(/counter packets \d+ bytes \d+/g, 'counter').replace(/ expires \w+/g, '');
}

function inOrder(elements: string, before: string, between: string): string {
  const one = elements.split(',').map((element) => element.trim().replace(/\s+/g, ' '));
  return one
    .filter((element) => element !== '')
    .map((element) => `${before}${element}`)
    .sort()
    .join(between);
}
