import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../src/cli/base-command.js';
import {
  anchorOf,
  type Part,
  partColumns,
  pictureOf,
  primaryOf,
  type Step,
  withNodes,
} from '../../src/cli/tx-view.js';
import { MusterError } from '../../src/errors.js';

interface Shown {
  readonly id: string;
  /** `in-doubt`: prepared on some partition, without a known decision. */
  readonly state: 'pending' | 'committed' | 'aborted' | 'in-doubt';
  /** The coordinator's partition and node. */
  readonly anchor: number;
  readonly node: string | null;
  readonly parts: readonly Part[];
  readonly trace: readonly Step[];
}

export default class TxShow extends BaseCommand<typeof TxShow> {
  static override summary = 'Show the state of a transaction';
  static override description =
    'Lists its open parts, and the steps of the protocol while its coordinator still remembers them.';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> tx show 12:1.7:3',
    '<%= config.bin %> tx show 12:1.7:3 --json',
  ];
  static override complete = { id: 'tx' } as const;
  static override args = {
    id: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'transaction ID from `muster tx run` or `muster tx list`',
    }),
  };

  async run(): Promise<Shown> {
    const { id } = this.args;
    const client = await this.client();
    const found = await client.tx.show(id, { timeoutMs: this.timeoutMs() });
    if (found.parts.length === 0 && found.trace.length === 0)
      throw new MusterError(
        'unknown-tx',
        `transaction ${id} not found: no open parts, and its trace is no longer available`,
        {
          details: { tx: id },
        },
      );
    const map = await client.map();
    const parts = withNodes(map, found.parts);
    const trace = found.trace.map((event): Step => ({ ...event, node: primaryOf(map, event.p) }));
    const state = stateOf(parts, trace);
    const anchor = anchorOf(id);
    const node = primaryOf(map, anchor);
    const open = parts.length === 0 ? 'no open parts' : 'open parts:';
    this.out(
      `Transaction ${this.paint.bold(id)}: ${state}, coordinated by ${node ?? 'no node'} (partition ${anchor}); ${open}\n`,
    );
    if (parts.length > 0) await this.table(parts, partColumns(60));
    if (trace.length > 0) {
      const outcome = state === 'committed' || state === 'aborted' ? state : null;
      this.out(`\n${pictureOf(id, trace, outcome, this.paint, this.io.stdout)}`);
    }
    return { id, state, anchor, node, parts, trace };
  }
}

function stateOf(parts: readonly Part[], trace: readonly Step[]): Shown['state'] {
  const coordinator = parts.find(({ role }) => role === 'coordinator');
  if (coordinator !== undefined) return coordinator.state;
  const decided = trace.find(({ what }) => what === 'decided');
  if (decided !== undefined) return decided.yes === true ? 'committed' : 'aborted';
  if (parts.length > 0) return 'in-doubt';
  // The coordinator received it, and its own part refused it.
  return 'aborted';
}
