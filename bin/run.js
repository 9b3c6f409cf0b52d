#!/usr/bin/env node
'use strict';
// Runs what `npm run build` made. On Node 22 and later compiled code is kept between runs.
require('node:module').enableCompileCache?.();
try {
  require('../dist/cli.cjs');
} catch (error) {
  if (error?.code !== 'MODULE_NOT_FOUND' || !String(error.message).includes('dist/cli.cjs')) throw error;
  process.stderr.write(
    'Error: muster is not built yet.\nTook effect: no. Run `npm run build` first, or use bin/dev.js.\n',
  );
  process.exitCode = 1;
}
