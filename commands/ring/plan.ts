import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../src/cli/base-command.js';
import { parseShare, parseWeights, parseZones } from '../../src/cli/parse.js';
import type { MembersChange } from '../../src/core/map/placing.js';
import type { Member } from '../../src/core/map/types.js';
import { MusterError } from '../../src/errors.js';
import { percent } from '../../src/text/format.js';

export default class RingPlan extends BaseCommand<typeof RingPlan> {
  static override summary = 'Preview the data that a change of nodes would move';
  static override description = 'Changes nothing in the cluster.';
  static override readOnly = true;
  static override examples = [
    '<%= config.bin %> ring plan --add n6',
    '<%= config.bin %> ring plan --remove n2 --max-moved 25%',
    '<%= config.bin %> ring plan --weight n1=3 --svg plan.svg',
  ];
  static override complete = {
    remove: 'node',
    weight: 'node-value',
    zone: 'node-value',
    svg: 'file',
  } as const;
  static override flags = {
    add: Flags.string({ multiple: true, helpValue: 'ID', description: 'node to add; repeat for several' }),
    remove: Flags.string({
      multiple: true,
      helpValue: 'ID',
      description: 'node to drain; repeat for several',
    }),
    weight: Flags.string({
      multiple: true,
      helpValue: 'ID=N',
      description: 'new weight of a node, existing or added',
    }),
    zone: Flags.string({
      multiple: true,
      helpValue: 'ID=ZONE',
      description: 'new failure domain of a node, existing or added',
    }),
    'max-moved': Flags.string({
      helpValue: '25%',
      description: 'exit with code 1 if a larger share of the replicas would move',
    }),
    svg: Flags.string({ helpValue: 'FILE', description: 'draw the ring before and after into this file' }),
  };

  async run(): Promise<unknown> {
    const { add = [], remove = [], weight = [], zone = [] } = this.flags;
    const limit =
      this.flags['max-moved'] === undefined ? null : parseShare('--max-moved', this.flags['max-moved']);
    const weights = weight.length === 0 ? {} : parseWeights(weight.join(','));
    const zones = zone.length === 0 ? {} : parseZones(zone.join(','));
    const client = await this.client();
    const [{ checkEnough, planChange }, { moveColumns, planLine, planReport }] = await Promise.all([
      import('../../src/cluster/placement/placing.js'),
      import('../../src/cli/moves.js'),
    ]);
    const { members } = await client.map();
    const change: MembersChange = {
      add: add.map((id) => newcomer(id, members)),
      drain: remove,
      weights,
      zones,
    };
    const words = [
      ...add.map((id) => `add ${id}`),
      ...remove.map((id) => `remove ${id}`),
      ...weight.map((text) => `weight ${text}`),
      ...zone.map((text) => `zone ${text}`),
    ];
    const plan = await planChange(client, change, words.join(', ') || 'rebalance', 1000);
    checkEnough(plan.map, plan.change, false, 'ring plan');
    const report = planReport(plan, limit);
    await this.table(report.moves, moveColumns);
    if (this.flags.svg !== undefined) {
      const { writeRingSvg } = await import('../../src/cli/ring-file.js');
      writeRingSvg(this.flags.svg, plan.map, plan.change);
      this.note(`wrote ${this.flags.svg}`);
    }
    this.note(planLine(report));
    if (!report.withinLimit) {
      this.exitWith(1);
      this.note(`exceeds --max-moved ${percent(limit as number)}`);
    }
    return report;
  }
}

function newcomer(id: string, members: Readonly<Record<string, Member>>): Member {
  if (members[id] !== undefined)
    throw new MusterError('node-exists', `node ${id} already exists`, { details: { node: id } });
  return { id, store: 'planned', incarnation: 1, url: '', weight: 1, zone: '', state: 'active' };
}
