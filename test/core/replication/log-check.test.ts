import { describe, expect, it } from 'vitest';
import { LogCheck } from '../../../src/core/replication/log-check.js';

const mine = { epoch: 3, seq: 10 };
const others = ['n2/s2', 'n3/s3'];
const nobody = (): boolean => false;
const patience = 1000;

function asked(trust: 'unchecked' | 'damaged') {
  const check = new LogCheck(trust);
  const question = check.ask(0, 200, () => 7) as number;
  const may = (now = 0, isGone = nobody): boolean => check.mayLead(mine, others, isGone, now, patience, 1000);
  return { check, question, may };
}

describe('a replica whose log is damaged', () => {
  it('leads only when every other in-sync log is known to go no further', () => {
    const { check, question, may } = asked('damaged');
    check.answered('n2/s2', question, { epoch: 3, seq: 10 }, 0);
    expect(may(1e9, () => true)).toBe(false);
    check.answered('n3/s3', question, { epoch: 2, seq: 99 }, 0);
    expect(may()).toBe(true);
    check.answered('n3/s3', question, { epoch: 3, seq: 11 }, 0);
    expect(may(1e9)).toBe(false);
  });

  it('takes no answer for longer than it is fresh: the other may have stored more since', () => {
    const { check, question, may } = asked('damaged');
    check.answered('n2/s2', question, mine, 0);
    check.answered('n3/s3', question, mine, 500);
    expect([may(999), may(1000)]).toEqual([true, false]);
  });

  it('takes no answer that was given for another configuration', () => {
    const { check, question, may } = asked('damaged');
    for (const other of others) check.answered(other, question, mine, 0);
    check.reconfigured();
    expect(may()).toBe(false);
    const next = check.ask(0, 200, () => 8) as number;
    for (const other of others) check.answered(other, question, mine, 0);
    expect(may()).toBe(false);
    for (const other of others) check.answered(other, next, mine, 0);
    expect(may()).toBe(true);
  });

  it('is whole again when what agrees with a primary is on disk, and not before', () => {
    const { check } = asked('damaged');
    expect(check.durable(100)).toBe(false);
    check.agreesThrough(12);
    expect([check.durable(11), check.done]).toEqual([false, false]);
    expect([check.durable(12), check.done]).toEqual([true, true]);
  });

  it('starts over when a primary misses what it had counted', () => {
    const { check } = asked('unchecked');
    check.agreesThrough(5);
    check.foundDamaged();
    expect([check.durable(5), check.trust]).toEqual([false, 'damaged']);
  });
});

describe('a replica that has started', () => {
  it('waits for those who can answer until its patience ends, and for nobody who is gone', () => {
    const { may } = asked('unchecked');
    expect([may(0), may(patience - 1), may(patience)]).toEqual([false, false, true]);
    expect(may(0, () => true)).toBe(true);
  });

  it('gives way to a longer log while its owner answers', () => {
    const { check, question, may } = asked('unchecked');
    check.answered('n2/s2', question, { epoch: 4, seq: 1 }, 500);
    check.answered('n3/s3', question, mine, 500);
    expect([may(1499), may(1500)]).toEqual([false, true]);
  });

  it('yields for a bounded time: the owner of the longer log may be unable to lead', () => {
    const { check, question, may } = asked('unchecked');
    for (let now = 0; now < patience + 3000; now += 200) {
      check.answered('n2/s2', question, { epoch: 4, seq: 1 }, now);
      check.answered('n3/s3', question, mine, now);
      expect(may(now), `at ${now}`).toBe(false);
    }
    expect(may(patience + 3000)).toBe(true);
  });

  it('asks no more often than told, with one number for each configuration', () => {
    const check = new LogCheck('unchecked');
    let next = 1;
    const ask = (now: number): number | null => check.ask(now, 200, () => next++);
    expect([ask(0), ask(199), ask(200)]).toEqual([1, null, 1]);
    check.reconfigured();
    expect(ask(201)).toBe(2);
  });
});
