#!/usr/bin/env node
'use strict';
// Runs the sources through tsx: nothing to build, slower to start.
const { readdirSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const root = join(__dirname, '..');
const url = (path) => pathToFileURL(join(root, path)).href;

async function main() {
  (await import('tsx/esm/api')).register();
  const { name, version, oclif } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { dispatch, leave } = await import(url('src/cli/dispatch.ts'));
  const { showHelp } = await import(url('src/cli/help.ts'));
  const answers = url('src/cli/completion/answer.ts');
  const files = readdirSync(join(root, 'commands'), { recursive: true }).filter((file) =>
    file.endsWith('.ts'),
  );
  const commands = Object.fromEntries(
    files.map((file) => [file.slice(0, -3).split(/[\\/]/).join(':'), () => import(url(`commands/${file}`))]),
  );
  const pjson = { name, version, oclif: { ...oclif, commands: './commands' } };
  await dispatch(process.argv.slice(2), {
    bin: 'muster',
    name,
    version,
    commands,
    help: (words) => showHelp(root, words, pjson),
    topics: () => oclif.topics,
    answerTab: async (...about) => (await import(answers)).answer(...about),
  });
  leave();
}

void main();
