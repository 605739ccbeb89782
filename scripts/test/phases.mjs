// A test file on an engine uses about 0.8 of a core, so that three files at a time make full use of two cores. Load clients and the
// applications that they measure need these cores, so the files that start such clients run after the others, and fewer at a time.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { importedBy } from '../prepare/needs.mjs';
import { root } from '../prepare/npm.mjs';
import { LANES } from './lanes.mjs';

const STARTS_CLIENTS = /\b(startLoad|startLoadInside|startTraffic)\(/;
const LAB = path.join('test', 'lab') + path.sep;

/** Groups of files that run one after the other, each with how many of its files run at a time. */
export function phasesOf(lane, files, asked) {
  const { atOnce, underLoad = atOnce } = LANES[lane];
  if (asked !== undefined || underLoad === atOnce) return [{ files, atOnce: asked ?? atOnce }];
  const measuring = files.filter(measuresClients);
  const others = files.filter((file) => !measuring.includes(file));
  return [
    { files: others, atOnce },
    { files: measuring, atOnce: underLoad },
  ].filter((phase) => phase.files.length > 0);
}

/** Whether a test starts load clients, itself or by the set-up code that it shares. */
export function measuresClients(file) {
  const own = [...importedBy([file])].filter((one) => one.startsWith('test'.concat(path.sep)) && !one.startsWith(LAB));
  return own.some((one) => STARTS_CLIENTS.test(readFileSync(path.join(root, one), 'utf8')));
}
