import { describe, expect, it } from 'vitest';
import { formatLogLine } from '../../src/render/log-line.js';
import { plainPaint } from '../../src/render/terminal.js';

const show = (line: unknown) =>
  formatLogLine(typeof line === 'string' ? line : JSON.stringify(line), plainPaint);
const base = { level: 'info', time: '2026-11-23T08:08:01.295Z', node: 'n1' };

describe('a line of a node’s log', () => {
  it('is told as time, level, what happened and its fields, with store uuids cut', () => {
    expect(show({ ...base, revision: 2, outcome: 'ok', msg: 'published the cluster map' })).toBe(
      '08:08:01.295 info  published the cluster map revision=2 outcome=ok',
    );
    expect(show({ ...base, msg: 'primary n1/1edcafbf-a115-4bb3-8f23-8110f4d93cf9' })).toBe(
      '08:08:01.295 info  primary n1/1edc',
    );
  });

  it('cannot steer the terminal, whatever it holds', () => {
    expect(show({ ...base, msg: '\u001b[2J' })).toBe('08:08:01.295 info  \\x1b[2J');
    expect(show('\u001b]0;x\u0007')).toBe('\\x1b]0;x\\x07');
    expect(show({ ...base, msg: 'm', stack: 'Error\n    at \u001b[1m' })).toBe(
      '08:08:01.295 info  m\n    at \\x1b[1m',
    );
  });

  it('that is not ours stays as it is', () => {
    for (const line of ['plain', '{"half', '{"msg":1}', '[]']) expect(show(line)).toBe(line);
  });
});
