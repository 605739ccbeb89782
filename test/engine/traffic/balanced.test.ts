import { balanced } from './balanced.ts';

balanced({ rolls: 1, strategy: 'start-first', drains: true });
