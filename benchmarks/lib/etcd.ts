import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ETCD, needPrograms } from './apt.js';
import { peers } from './deps.js';
import { end, freePorts, start, until } from './processes.js';

/** What of npm's `etcd3` is used here. */
export interface EtcdClient {
  get(key: string): { exec(): Promise<{ kvs: EtcdKeyValue[] }> };
  put(key: string): { value(value: string | number): EtcdOperation & Promise<unknown> };
  if(key: string, column: 'Mod', cmp: '==', value: number | string): EtcdTransaction;
  lock(key: string): EtcdLock;
  close(): void;
}
interface EtcdLock {
  ttl(seconds: number): this;
  acquire(): Promise<this>;
  release(): Promise<void>;
}
interface EtcdKeyValue {
  readonly value: Buffer;
  readonly mod_revision: string;
}
type EtcdOperation = object;
interface EtcdTransaction {
  then(...operations: EtcdOperation[]): EtcdTransaction;
  else(...operations: EtcdOperation[]): EtcdTransaction;
  commit(): Promise<{
    succeeded: boolean;
    responses: { response_range?: { kvs: EtcdKeyValue[] } }[];
  }>;
}

export interface EtcdMember {
  readonly child: ChildProcess;
  readonly endpoint: string;
  readonly restart: () => ChildProcess;
}

/** Three etcd processes on loopback with default settings; data below `dir`. */
export async function startEtcd(
  dir: string,
): Promise<{ members: EtcdMember[]; endpoints: string[]; stop(): Promise<void> }> {
  needPrograms(ETCD);
  mkdirSync(dir);
  const ports = await freePorts(6);
  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const cluster = [0, 1, 2].map((i) => `e${i}=${urls[3 + i]}`).join(',');
  const members = [0, 1, 2].map((i) => {
    const client = urls[i]!;
    const peer = urls[3 + i]!;
    const args = ['--name', `e${i}`, '--data-dir', join(dir, `e${i}`), '--log-level', 'error'];
    args.push('--listen-client-urls', client, '--advertise-client-urls', client);
    args.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer);
    args.push('--initial-cluster', cluster, '--initial-cluster-state', 'new');
    const launch = (): ChildProcess => start('etcd', args, join(dir, `e${i}.log`));
    const member = {
      child: launch(),
      endpoint: client,
      restart: () => {
        member.child = launch();
        return member.child;
      },
    };
    return member;
  });
  const endpoints = members.map(({ endpoint }) => endpoint);
  for (const endpoint of endpoints) {
    await until(`${endpoint} healthy`, 15_000, async () => {
      const { health } = (await (await fetch(`${endpoint}/health`)).json()) as { health: string };
      return health === 'true' || null;
    });
  }
  return {
    members,
    endpoints,
    stop: async () => void (await Promise.all(members.map(({ child }) => end(child)))),
  };
}

/** Is this member the leader, by its own word? */
export async function isLeader(endpoint: string): Promise<boolean> {
  const answer = await fetch(`${endpoint}/v3/maintenance/status`, { method: 'POST', body: '{}' });
  const { leader, header } = (await answer.json()) as { leader: string; header: { member_id: string } };
  return leader === header.member_id;
}

/** A client that knows all endpoints. */
export function etcdClient(endpoints: readonly string[]): EtcdClient {
  const { Etcd3 } = peers('etcd3')('etcd3') as { Etcd3: new (options: object) => EtcdClient };
  return new Etcd3({ hosts: [...endpoints] });
}

/**
 * One increment by compare-and-swap, by a caller that does not know the value: read it, then put value + 1 if the
 * key is still at that revision; what made it fail comes back with the refusal, so that a retry is one round trip.
 */
export async function etcdIncrement(client: EtcdClient, key: string): Promise<number> {
  let [known] = (await client.get(key).exec()).kvs;
  for (;;) {
    const next = (known === undefined ? 0 : Number(known.value)) + 1;
    const outcome = await client
      .if(key, 'Mod', '==', known?.mod_revision ?? 0)
      .then(client.put(key).value(next))
      .else(client.get(key) as unknown as EtcdOperation)
      .commit();
    if (outcome.succeeded) return next;
    [known] = outcome.responses[0]?.response_range?.kvs ?? [];
  }
}

/** Takes a lock and gives it back, by the package's own means: a lease, a key put if it is not there, the lease revoked. */
export async function etcdLockUnlock(client: EtcdClient, key: string): Promise<void> {
  const lock = await client.lock(key).ttl(10).acquire();
  await lock.release();
}
