// `swapctl check` on the other kinds of registries; test/engine/check.test.ts has those without login and with token and TLS.
import { checkSeesPush } from '../engine/check-push.ts';

checkSeesPush({ login: 'htpasswd' });
checkSeesPush({ login: 'token' });
