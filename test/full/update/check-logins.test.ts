// `swapctl check` on registries with a login; test/engine/update/check.test.ts has one without.
import { checkSeesPush } from '../../engine/update/check-push.ts';

checkSeesPush({ login: 'htpasswd' });
checkSeesPush({ login: 'token' });
checkSeesPush({ login: 'token', tls: true });
