// Loaded before a measured program: writes down what it has used when it ends.
import { writeFileSync } from 'node:fs';

process.on('exit', () => writeFileSync(process.env.USAGE_FILE ?? '', JSON.stringify(process.resourceUsage())));
