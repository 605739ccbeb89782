// What the kernel says of a process.
import { readFileSync } from 'node:fs';

/** Processor time that a process has used (proc(5): utime and stime, in hundredths of a second on every Linux). */
export function cpuMs(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Memory of a process, in MB (10^6): all that is resident, and the part of it that no other process shares (anonymous). */
export function memoryMb(pid: number | undefined): { readonly resident: number; readonly own: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const of = (field: string): number =>
    (Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024) / 1e6;
  return { resident: of('VmRSS'), own: of('RssAnon') };
}
