// A process that rolls one service, for tests in which more than one does, or in which one is killed.
//
//   node --import tsx roll-process.ts '{"dockerHost":"unix://…","service":"web","killAfter":"rename#2"}'
//
// It prints each step as it is done, and the report at the end. With killAfter it kills itself, as with kill -9, in the
// moment in which that step (the second of its kind) is done and the next one has not begun.
import { engineAt } from '../lab/engine.ts';
import { openApp, quickly } from './compose-app.ts';

const { dockerHost, service, killAfter, overrides } = JSON.parse(process.argv[2] ?? '');
const done = new Map<string, number>();

const { app, close } = await openApp(engineAt(dockerHost), (progress) => {
  if (progress.kind !== 'done') return;
  const { kind } = progress.step;
  done.set(kind, (done.get(kind) ?? 0) + 1);
  console.log(JSON.stringify({ done: kind }));
  if (killAfter === `${kind}#${done.get(kind)}`) process.kill(process.pid, 'SIGKILL');
});
const [report] = await app.roll([service], quickly({ overrides }));
console.log(JSON.stringify({ report }));
close();
