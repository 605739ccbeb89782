// Traefik under the contract of a traffic driver.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { traefikDriver } from '../../../src/adapters/traffic/traefik/driver.ts';
import { trafficDriverContract } from '../../contract/traffic-driver.ts';
import { askOnce } from '../../lab/client.ts';
import { filesIn } from '../../lab/proxies.ts';
import { missingTraefik, startTraefik, traefikVersion } from '../../lab/traefik.ts';
import { eventually } from '../../lab/waiting.ts';

const OTHER = 'http: { middlewares: { small: { compress: {} } } }\n';

trafficDriverContract({
  name: `Traefik ${traefikVersion()}`,
  skip: missingTraefik,
  driver: traefikDriver,
  start: async (t, routes) => {
    const traefik = await startTraefik(t, routes);
    const broken = path.join(traefik.folder, 'other.yml');
    const serves = () =>
      eventually('Traefik serves', async () => {
        const answers = await Promise.all(['web', 'api'].map((route) => askOnce(traefik.url(route))));
        return answers.every(({ status }) => status === 200);
      });
    writeFileSync(broken, OTHER);
    await serves();
    return {
      access: traefik.access,
      url: traefik.url,
      stop: traefik.run.stop,
      restart: async () => {
        await traefik.run.restart();
        await serves();
      },
      // Its log has a line for each accepted configuration.
      generation: async () => {
        const taken = traefik.run.log().match(/Configuration received/g)?.length ?? 0;
        return [traefik.run.pid(), taken].join(' ');
      },
      files: async () => filesIn(traefik.folder),
      spoil: async () => writeFileSync(broken, 'http: [\n'),
      repair: async () => writeFileSync(broken, OTHER),
      refuse: async () => {
        writeFileSync(broken, 'http: [\n');
        return { words: /other\.yml is broken/ };
      },
    };
  },
});
