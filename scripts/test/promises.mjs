// Node's test runner follows each promise by an async hook until it is collected, to find the test of an unhandled error. That
// takes a sixth of the fast lane's processor time. Without it such an error still fails the lane, but names no test; a file that
// runs alone has the whole hook. Import this before anything imports `node:test`.
import hooks from 'node:async_hooks';

const { createHook } = hooks;

// Without `destroy` the other resources stay in the runner's map until the process ends: some ten thousand, against millions of promises.
hooks.createHook = ({ init }) =>
  createHook({
    init(id, type, ...origin) {
      if (type !== 'PROMISE') init(id, type, ...origin);
    },
  });
