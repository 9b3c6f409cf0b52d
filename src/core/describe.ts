import type { Command, Operation, OpResult, TxEnd, TxItem } from './machine/types.js';
import type { PartitionConfig } from './map/types.js';
import type { Append, ClientRequest, ClientResponse, PeerMessage } from './messages.js';
import type { LogRecord } from './records.js';

/** One line for everything that travels: for traces, failures and tests. */

export function describeOperation(op: Operation): string {
  switch (op.type) {
    case 'put':
      return `put ${op.key}=${short(op.value)}${op.ifVersion === undefined ? '' : ` if v${op.ifVersion}`}`;
    case 'delete':
      return `delete ${op.key}`;
    case 'incr':
      return `incr ${op.key} ${op.by}`;
    case 'reset':
      return `reset ${op.key} ${op.value}`;
    case 'resolve':
      return `resolve ${op.key}`;
    case 'tx':
      return `tx ${describeItems(op.items)}`;
    case 'acquire':
      return `acquire ${op.key} ${op.ttl} ms${op.wait ? ' wait' : ''}`;
    case 'renew':
    case 'release':
      return `${op.type} ${op.key} #${op.token}`;
    case 'leave':
      return `leave ${op.key} ${op.ticket}`;
  }
}

const describeItems = (items: readonly TxItem[]): string =>
  items
    .map((item) => {
      switch (item.type) {
        case 'check':
          return `check ${item.key}=${item.equals}`;
        case 'version':
          return `check ${item.key} v${item.version}`;
        case 'put':
          return `put ${item.key}=${short(item.value)}`;
        case 'incr':
          return `incr ${item.key} ${item.by}`;
        default:
          return `${item.type} ${item.key}`;
      }
    })
    .join('; ');

const describeEnd = ([tx, commit, seq]: TxEnd): string => `${tx} ${commit ? 'commit' : 'abort'} of #${seq}`;

export function describeCommand(command: Command): string {
  switch (command.type) {
    case 'op':
      return `${command.session}#${command.n} ${describeOperation(command.op)}`;
    case 'close':
    case 'expire':
      return `${command.type} ${command.session}`;
    case 'prepare':
      return `prepare ${command.tx} ${describeItems(command.items)}`;
    case 'stage':
      return `stage ${command.tx} ${describeItems(command.own)} with p${command.others.join(' p')}`;
    case 'decide':
      return `decide ${command.tx} with ${command.prepared.map(([p, seq]) => `p${p} #${seq}`).join(' ')}`;
    case 'abort':
      return `abort ${command.tx} (${command.reason})`;
    case 'finish':
      return `finish ${command.ends.map(describeEnd).join(', ')}`;
    case 'forget':
      return `forget ${command.txs.join(' ')}`;
    case 'lapse':
      return `lapse ${command.lock} ${command.ticket}`;
    default:
      return command.type;
  }
}

function describeAppend(m: Append): string {
  const all = m.entries.map((entry) => `${entry.epoch}:${describeCommand(entry.command)}`).join(', ');
  const counted = m.counted ? ' counted' : '';
  const digest = m.digest === '' ? '' : ' with digest';
  return `${place(m)} after ${m.prevSeq}@${m.prevEpoch} [${all}] commit ${m.commit}${counted}${digest}`;
}

/** Partition, epoch and stream. */
const place = ({ p, epoch, stream }: { p: number; epoch: number; stream: number }): string =>
  `p${p} e${epoch} ${describeStream(stream)}`;

/** A stream's id is the number of the node's start and a count from there. */
const describeStream = (id: number): string => `s${Math.floor(id / 2 ** 32)}.${id % 2 ** 32}`;

export function describeMessage(m: PeerMessage): string {
  switch (m.type) {
    case 'append':
      return `append to ${m.to} ${m.appends.map(describeAppend).join('; ')}`;
    case 'ack':
      return `ack from ${m.from} ${fours(m.acks)}`;
    case 'reject':
      return `reject ${place(m)} from ${m.from} hint ${m.hintSeq}@${m.hintEpoch} tail ${m.tailSeq}@${m.tailEpoch}`;
    case 'tail-ask':
      return `tail-ask p${m.p} to ${m.to}`;
    case 'tail':
      return `tail p${m.p} of ${m.from} #${m.seq}@${m.epoch}`;
    case 'stale':
      return `stale p${m.p} promised ${m.promised}`;
    case 'snapshot':
      return `snapshot ${place(m)} to ${m.to} piece ${m.index + 1}${m.last ? ', the last' : ''}`;
    case 'snapshot-ack':
      return `snapshot-ack ${place(m)} from ${m.from} piece ${m.index + 1}`;
    case 'beacon':
      return `beacon r${m.revision} claims ${pairs(m.claims) || 'nothing'}${names('silent', m.silent)}${names('back', m.back)}`;
    case 'tx-prepare':
      return `tx-prepare p${m.p} e${m.epoch} ${m.tx} ${describeItems(m.items)}`;
    case 'tx-ask':
      return `tx-ask p${m.p} e${m.epoch} ${m.tx}`;
    case 'tx-vote':
      return `tx-vote e${m.epoch} ${m.tx} from p${m.from} ${m.yes ? `yes #${m.seq}` : `no (${m.reason})`}`;
    case 'tx-finish':
      return `tx-finish p${m.p} ${describeEnd([m.tx, m.commit, m.seq])}`;
    case 'tx-finished':
      return `tx-finished ${m.tx} from p${m.from}`;
    case 'tx-query':
      return `tx-query ${m.tx} from p${m.from} #${m.seq}`;
    case 'beacon-ack':
      return `beacon-ack r${m.revision}${m.denied.length > 0 ? ` denies p${m.denied.join(' p')}` : ''}`;
  }
}

export function describeRequest(r: ClientRequest): string {
  switch (r.type) {
    case 'write':
      return `${r.session}#${r.n} (first ${r.first}) ${describeOperation(r.op)}`;
    case 'read':
      return `read p${r.p} ${'key' in r.query ? `${r.query.type} ${r.query.key}` : r.query.type}`;
    case 'tx':
      return `${r.session}#${r.n} (first ${r.first}) ${describeOperation(r.op)}`;
    case 'abort':
      return `abort ${r.tx}`;
    case 'open':
      return `open p${r.p}`;
    case 'close':
      return `close p${r.p} ${r.session}`;
  }
}

export function describeResponse(r: ClientResponse): string {
  if (!r.ok) return `refused ${r.code} (r${r.revision})${r.mayHaveRun === true ? ' may have run' : ''}`;
  switch (r.type) {
    case 'write':
      return describeResult(r.result);
    case 'read':
      return r.result.type === 'get'
        ? r.result.cell === null
          ? 'nothing'
          : `${short(String(r.result.cell.value))} v${r.result.cell.version}`
        : r.result.type === 'trace'
          ? `${r.result.events.length} events`
          : `${r.result.rows.length} rows`;
    case 'abort':
      return r.state;
    case 'open':
      return `opened ${r.session}`;
    case 'close':
      return 'closed';
  }
}

export function describeResult(result: OpResult): string {
  if (!result.ok) return result.code;
  return `ok ${result.value}${result.version === undefined ? '' : ` v${result.version}`}`;
}

export function describeRecord(record: LogRecord): string {
  const p = `p${record.partition}`;
  switch (record.type) {
    case 'append':
      return `${p} #${record.entry.seq}@${record.entry.epoch} ${describeCommand(record.entry.command)}`;
    case 'promise':
      return `${p} promise e${record.epoch}`;
    case 'snapshot':
      return `${p} snapshot #${record.snapshot.seq}@${record.snapshot.epoch}`;
    case 'drop':
      return `${p} drop`;
  }
}

export function describeConfig(config: PartitionConfig): string {
  return `e${config.epoch} primary ${config.primary} in sync ${config.inSync.join(' ')}`;
}

const names = (what: string, nodes: readonly string[]): string =>
  nodes.length === 0 ? '' : ` ${what} ${nodes.join(' ')}`;

const short = (text: string): string => (text.length > 20 ? `${text.slice(0, 17)}...` : text);

function fours(flat: readonly number[]): string {
  const list: string[] = [];
  for (let i = 0; i < flat.length; i += 4)
    list.push(`p${flat[i]} e${flat[i + 1]} ${describeStream(flat[i + 2] as number)} match ${flat[i + 3]}`);
  return list.join(', ');
}

function pairs(flat: readonly number[]): string {
  const list: string[] = [];
  for (let i = 0; i < flat.length; i += 2) list.push(`p${flat[i]}:e${flat[i + 1]}`);
  return list.join(' ');
}
