import { accepted, interval, type Verdict } from './history.js';

/**
 * What a client did with accounts, all at one instant: adds to some, then sees some. Amounts are so large and so unlike one another
 * that no two sets of them come to the same: so each addition has an identity that a balance shows.
 */
export interface LedgerEntry {
  readonly client: number;
  readonly start: number;
  readonly end: number;
  /** `failed`: it did not happen and never will. `unknown`: it may have happened, or may happen until `end`. */
  readonly outcome: 'ok' | 'failed' | 'unknown';
  readonly adds: readonly (readonly [account: string, by: number])[];
  /** Balances after its own additions; an account that nobody ever added to holds 0. */
  readonly sees: readonly (readonly [account: string, balance: number])[];
}

/** Steps that a search may take before it is given up. */
export const ledgerSteps = 200_000;

/** A way in which things can have gone up to now. */
interface Course {
  /** Of those under way, the ones that have happened. */
  readonly done: ReadonlySet<number>;
  /** By the number of the account. Exact: on the way two accounts may come to more than a number can hold. */
  readonly balances: readonly bigint[];
}

/**
 * Is the history of the accounts strictly serializable? Every balance seen must be what some of the additions come to: all that were
 * acknowledged before, none begun later, each once, and the same in an order common to all accounts and all clients. Goes through the
 * history in the order of real time and keeps every course that things can have taken (Lowe, 2017: just-in-time linearization). Additions
 * commute, so one is done only when it must have been, or when a balance tells that it was.
 */
export function checkLedger(history: readonly LedgerEntry[], most = ledgerSteps): Verdict {
  return new Ledger(history, most).judge();
}

class TooLong extends Error {}

class Ledger {
  readonly #entries: readonly LedgerEntry[];
  readonly #underWay = new Set<number>();
  readonly #accounts = new Map<string, number>();
  #courses: Course[];
  #left: number;

  constructor(history: readonly LedgerEntry[], most: number) {
    this.#left = most;
    this.#entries = history.filter(
      ({ outcome, adds }) => outcome === 'ok' || (outcome === 'unknown' && adds.length > 0),
    );
    for (const { adds, sees } of this.#entries)
      for (const [account] of [...adds, ...sees])
        if (!this.#accounts.has(account)) this.#accounts.set(account, this.#accounts.size);
    this.#courses = [{ done: new Set(), balances: new Array<bigint>(this.#accounts.size).fill(0n) }];
  }

  #entry(i: number): LedgerEntry {
    return this.#entries[i] as LedgerEntry;
  }

  judge(): Verdict {
    const events = this.#entries.flatMap(({ start, end }, i) => [
      { at: start, i, begins: true },
      ...(end === Number.POSITIVE_INFINITY ? [] : [{ at: end, i, begins: false }]),
    ]);
    // What ends at the instant at which another begins is concurrent with it.
    events.sort((a, b) => a.at - b.at || Number(b.begins) - Number(a.begins));
    try {
      for (const { i, begins } of events) {
        if (begins) this.#begin(i);
        else if (!this.#end(i)) return { type: 'wrong', why: this.#explain(i) };
      }
    } catch (error) {
      if (!(error instanceof TooLong)) throw error;
      return { type: 'unknown', why: `no verdict on ${this.#entries.length} entries within the bound` };
    }
    return accepted;
  }

  #begin(i: number): void {
    this.#underWay.add(i);
    this.#courses = this.#courses.map((course) => this.#settled(course));
  }

  /** False: no course of things has it. */
  #end(i: number): boolean {
    const found = new Map<string, Course>();
    const keep = (course: Course): void => {
      const done = new Set(course.done);
      done.delete(i);
      found.set(`${keyOf(done)}|${course.balances.join()}`, { done, balances: course.balances });
    };
    for (const course of this.#courses) {
      this.#tick();
      // What need not have happened has not, or does so now at the latest.
      const happened = course.done.has(i);
      if (happened || this.#entry(i).outcome === 'unknown') keep(course);
      if (!happened) for (const later of this.#reach(course, i)) keep(later);
    }
    if (found.size === 0) return false;
    this.#courses = [...found.values()];
    this.#underWay.delete(i);
    return true;
  }

  #tick(): void {
    if (--this.#left < 0) throw new TooLong();
  }

  #balance({ balances }: Course, account: string): bigint {
    return balances[this.#accounts.get(account) as number] as bigint;
  }

  /** Who only looks, and sees what is there, has looked: that changes nothing for the others. */
  #settled(course: Course): Course {
    let done: Set<number> | null = null;
    for (const i of this.#underWay) {
      const { adds, sees } = this.#entry(i);
      if (adds.length > 0 || course.done.has(i)) continue;
      if (sees.some(([account, balance]) => this.#balance(course, account) !== BigInt(balance))) continue;
      done ??= new Set(course.done);
      done.add(i);
    }
    return done === null ? course : { done, balances: course.balances };
  }

  #added(course: Course, which: readonly number[]): Course {
    const done = new Set(course.done);
    const balances = [...course.balances];
    for (const i of which) {
      done.add(i);
      for (const [account, by] of this.#entry(i).adds) {
        const number = this.#accounts.get(account) as number;
        balances[number] = (balances[number] as bigint) + BigInt(by);
      }
    }
    return this.#settled({ done, balances });
  }

  /** Every course in which `goal` has happened: at once, or after others that somebody under way has to see first. */
  #reach(course: Course, goal: number): Course[] {
    const reached: Course[] = [];
    const seen = new Set<string>();
    const visit = (now: Course): void => {
      this.#tick();
      const key = keyOf(now.done);
      if (seen.has(key)) return;
      seen.add(key);
      if (now.done.has(goal)) {
        reached.push(now);
        return;
      }
      for (const next of this.#towards(now, goal, goal)) reached.push(next);
      for (const i of this.#underWay) {
        if (i === goal || now.done.has(i) || this.#entry(i).sees.length === 0) continue;
        for (const next of this.#towards(now, i, goal)) visit(next);
      }
    };
    visit(course);
    return reached;
  }

  /** Courses in which `i` happens next, after those additions alone that it has to see; `spared` is not among them. */
  #towards(course: Course, i: number, spared: number): Course[] {
    const { adds, sees } = this.#entry(i);
    const lacking = new Map<string, bigint>();
    for (const [account, balance] of sees) {
      const own = adds.reduce((sum, [to, by]) => (to === account ? sum + BigInt(by) : sum), 0n);
      lacking.set(account, BigInt(balance) - own - this.#balance(course, account));
    }
    const usable = [...this.#underWay].filter((other) => {
      if (other === i || other === spared || course.done.has(other)) return false;
      const entry = this.#entry(other);
      return entry.sees.length === 0 && entry.adds.some(([account]) => lacking.has(account));
    });
    return this.#subsets(usable, lacking).map((which) => this.#added(course, [...which, i]));
  }

  /** All sets of these additions that come to what is lacking. */
  #subsets(usable: readonly number[], lacking: ReadonlyMap<string, bigint>): number[][] {
    const accounts = [...lacking.keys()];
    const addsTo = (i: number, account: string): boolean =>
      this.#entry(i).adds.some(([to]) => to === account);
    const firstAccount = (i: number): number => accounts.findIndex((account) => addsTo(i, account));
    const order = [...usable].sort((a, b) => firstAccount(a) - firstAccount(b));
    // After the last addition to an account nothing may lack there.
    const closes: string[][] = Array.from({ length: order.length + 1 }, () => []);
    for (const account of accounts) {
      const last = order.findLastIndex((i) => addsTo(i, account));
      closes[last + 1]?.push(account);
    }
    const rest = new Map(lacking);
    const chosen: number[] = [];
    const found: number[][] = [];
    const add = (i: number, sign: bigint): void => {
      for (const [account, by] of this.#entry(i).adds) {
        const lacks = rest.get(account);
        if (lacks !== undefined) rest.set(account, lacks - sign * BigInt(by));
      }
    };
    const visit = (k: number): void => {
      this.#tick();
      if ((closes[k] as string[]).some((account) => rest.get(account) !== 0n)) return;
      const i = order[k];
      if (i === undefined) {
        found.push([...chosen]);
        return;
      }
      visit(k + 1);
      chosen.push(i);
      add(i, 1n);
      visit(k + 1);
      add(i, -1n);
      chosen.pop();
    };
    visit(0);
    return found;
  }

  /** What an entry saw, what it ought to have seen, and which addition accounts for the difference. */
  #explain(i: number): string {
    const entry = this.#entry(i);
    const course = this.#courses[0] as Course;
    const lines = entry.sees.flatMap(([account, balance]) => {
      const own = entry.adds.reduce((sum, [to, by]) => (to === account ? sum + by : sum), 0);
      const expected = this.#balance(course, account) + BigInt(own);
      const difference = BigInt(balance) - expected;
      if (difference === 0n) return [];
      const culprit = this.#entries.find((one) =>
        one.adds.some(
          ([to, by]) => to === account && (BigInt(by) === difference || BigInt(-by) === difference),
        ),
      );
      const what =
        culprit === undefined
          ? ''
          : `, as much as client ${culprit.client} added in ${interval(culprit)} (${culprit.outcome})`;
      return [
        `${account} is ${balance}; what was acknowledged before comes to ${expected}: a difference of ${difference}${what}`,
      ];
    });
    const open = [...this.#underWay].filter(
      (other) => other !== i && this.#entry(other).adds.length > 0,
    ).length;
    return `client ${entry.client} saw balances in ${interval(entry)} that no set of the ${open} additions under way explains:\n  ${lines.join('\n  ')}`;
  }
}

const keyOf = (done: ReadonlySet<number>): string => [...done].sort((a, b) => a - b).join();
