import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { MusterError } from '../../src/errors.js';
import { viewOf } from '../../src/service/definition.js';
import { loadModule, loadServices } from '../../src/service/load.js';

const dir = mkdtempSync(join(tmpdir(), 'muster-services-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let files = 0;
function fileOf(text: string): string {
  const path = join(dir, `service-${++files}.mjs`);
  writeFileSync(path, text);
  return path;
}

async function failure(work: Promise<unknown>): Promise<MusterError> {
  const error = await work.then(
    () => null,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(MusterError);
  return error as MusterError;
}

test('services are found by default and by name, with the methods that may run twice', async () => {
  const path = fileOf(`
    export default { name: 'orders', handlers: { place: () => 1, show: { idempotent: true, handle: () => 2 } } };
    export const stock = { name: 'stock', handlers: { count: () => 3 } };
    export const other = 5;
  `);
  expect((await loadModule(path)).map(viewOf)).toEqual([
    {
      name: 'orders',
      methods: [
        { name: 'place', idempotent: false },
        { name: 'show', idempotent: true },
      ],
    },
    { name: 'stock', methods: [{ name: 'count', idempotent: false }] },
  ]);
});

test.each([
  ['is not there', null, /file not found/],
  ['throws when imported', `\n\nthrow new Error('no database');`, /service-\d+\.mjs:3: Error: no database/],
  ['imports what is not there', `import './nowhere.mjs';`, /nowhere\.mjs/],
  ['exports nothing', 'const a = 1;', /no service exported/],
  ['has no name', 'export default { handlers: { a: () => 1 } };', /invalid service name undefined/],
  [
    'has a bad name',
    `export default { name: 'a.b', handlers: { a: () => 1 } };`,
    /invalid service name "a\.b"/,
  ],
  ['has no handlers', `export default { name: 'a', handlers: {} };`, /no handlers/],
  [
    'has a handler that is none',
    `export default { name: 'a', handlers: { b: 5 } };`,
    /invalid handler a\.b: expected a function/,
  ],
  [
    'has a bad method',
    `export default { name: 'a', handlers: { 'b c': () => 1 } };`,
    /invalid method name "b c"/,
  ],
])('a module that %s is refused, and the file named', async (_, text, message) => {
  const path = text === null ? join(dir, 'missing.mjs') : fileOf(text);
  const error = await failure(loadModule(path));
  expect(error.code).toBe('service-invalid');
  expect(error.message).toContain(path);
  expect(error.message).toMatch(message);
});

test('a module that cannot be parsed is refused with its file', async () => {
  // Under the runner another parser is first to find it; test/commands/route.test.ts sees what node says.
  const path = fileOf('export default {\n  name: "a",\n  handlers: {{ }\n};');
  const error = await failure(loadModule(path));
  expect(error.code).toBe('service-invalid');
  expect(error.message).toContain(path);
});

test('two services of one name are refused', async () => {
  const text = `export default { name: 'twice', handlers: { a: () => 1 } };`;
  const error = await failure(loadServices([fileOf(text), fileOf(text)]));
  expect(error.message).toContain('duplicate service name twice');
});
