import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** What can lie under a well-known name and is no file to be read, and what an error says of it. */
export const noFiles: readonly (readonly [string, (path: string) => void, RegExp])[] = [
  ['a FIFO', (path) => void execFileSync('mkfifo', [path]), /not a regular file/],
  ['a folder', (path) => void mkdirSync(path), /a folder, not a file/],
  ['a device', (path) => symlinkSync('/dev/zero', path), /not a regular file/],
  ['a link to nothing', (path) => symlinkSync('nowhere', path), /dangling symbolic link/],
  ['a link to itself', (path) => symlinkSync(path, path), /ELOOP/],
  [
    'a socket',
    (path) => {
      const listen = `require('net').createServer().listen('s', () => process.kill(process.pid, 'SIGKILL'))`;
      // By a relative name: that of a socket is bounded in length. Killed, it leaves the name behind.
      try {
        execFileSync(process.execPath, ['-e', listen], { cwd: dirname(path), stdio: 'ignore' });
      } catch {
        // killed, as meant
      }
      execFileSync('mv', ['s', path], { cwd: dirname(path) });
    },
    /not a regular file/,
  ],
  [
    'a file of 10 GB',
    (path) => {
      writeFileSync(path, '');
      truncateSync(path, 10 * 2 ** 30);
    },
    /10737418240 bytes/,
  ],
];
