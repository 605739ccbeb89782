import v8 from 'node:v8';
import vm from 'node:vm';

let collect: (() => void) | undefined;

/**
 * Gives back what this process does not need any more. One that sleeps for minutes and allocates little in between is hardly
 * ever made to do that by itself: V8 collects when its heap has grown, and what one check leaves adds up for hours.
 */
export function tidyHeap(): void {
  if (!collect) {
    v8.setFlagsFromString('--expose-gc');
    collect = vm.runInNewContext('gc') as () => void;
  }
  collect();
}
