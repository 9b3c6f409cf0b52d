import { expect, it } from 'vitest';
import { Traces } from '../../../src/core/transaction/traces.js';
import { limits } from '../../../src/limits.js';

it('a trace tells its steps as they were noted, as many as it keeps', () => {
  const traces = new Traces();
  const trace = traces.of('1:1.1:1', 100);
  trace.note(100, 'came', 1, null, null);
  trace.note(102.5, 'vote', 3, 7, true);
  trace.note(103, 'vote', 4, 0, false);
  expect(traces.of('1:1.1:1', 200)).toBe(trace);
  expect(traces.events('1:1.1:1')).toEqual([
    { at: 0, what: 'came', p: 1, seq: null, yes: null },
    { at: 2.5, what: 'vote', p: 3, seq: 7, yes: true },
    { at: 3, what: 'vote', p: 4, seq: 0, yes: false },
  ]);
  for (let i = 0; i < 2 * limits.txTraceEvents; i++) trace.note(200, 'finish', 3, null, true);
  expect(traces.events('1:1.1:1')).toHaveLength(limits.txTraceEvents);
});

it('of the newest transactions alone', () => {
  const traces = new Traces();
  for (let n = 0; n <= limits.txTraces; n++) traces.of(`1:1.1:${n}`, n).note(n, 'came', 1, null, null);
  expect(traces.events('1:1.1:0')).toEqual([]);
  expect(traces.events('1:1.1:1')).toHaveLength(1);
});
