import { balanced } from './balanced.ts';

balanced({ rolls: 2, strategy: 'start-first', drains: true });
