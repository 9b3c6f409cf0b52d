// `npm run demo`: makes the clone ready, then runs `muster demo` with the words given after `--`.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensure, root } from './ensure.mjs';

ensure();
// Ctrl-C reaches the whole foreground group: the program stops gracefully, and this one waits for it.
for (const name of ['SIGINT', 'SIGHUP']) process.on(name, () => {});
const child = spawn(process.execPath, [join(root, 'bin/run.js'), 'demo', ...process.argv.slice(2)], {
  stdio: 'inherit',
});
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.once('error', (error) => {
  process.stderr.write(`Error: the demo could not be started: ${error.message}\n`);
  process.exitCode = 1;
});
child.once('exit', (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
