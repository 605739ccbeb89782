import v8 from 'node:v8';
import vm from 'node:vm';

let collect: (() => void) | undefined;

/**
 * Releases memory that this process no longer needs. V8 collects only when its heap has grown, so in a process that sleeps for
 * minutes the garbage of each check would accumulate for hours.
 */
export function tidyHeap(): void {
  if (!collect) {
    v8.setFlagsFromString('--expose-gc');
    collect = vm.runInNewContext('gc') as () => void;
  }
  collect();
}
