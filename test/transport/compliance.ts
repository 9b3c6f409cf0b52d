import { afterEach, describe, expect, it } from 'vitest';
import { MusterError } from '../../src/errors.js';
import type {
  Connection,
  ConnectOptions,
  Server,
  ServerOptions,
  Transport,
} from '../../src/transport/contract.js';
import { sharedFrameUnits, type Tuning } from '../../src/transport/tuning.js';
import { connectOptions, Doorman, numbers, Recorder, self, serverOptions, text } from './helpers.js';

/** What every transport does; run against each implementation. */
export function transportCompliance(name: string, make: (tuning?: Partial<Tuning>) => Transport): void {
  describe(`${name}: the contract of a transport`, () => {
    const servers: Server[] = [];
    afterEach(async () => {
      await Promise.all(servers.splice(0).map((server) => server.close()));
    });

    async function start(tuning: Partial<Tuning> = {}, over: Partial<ServerOptions> = {}) {
      const transport = make(tuning);
      const doorman = new Doorman();
      const server = await transport.listen(serverOptions(doorman, over));
      servers.push(server);
      return { transport, doorman, server };
    }

    async function pair(tuning: Partial<Tuning> = {}, over: Partial<ConnectOptions> = {}) {
      const { transport, doorman, server } = await start(tuning);
      const heard = new Recorder();
      const client = await transport.connect(connectOptions(server.url, heard, over));
      return { server, client, heard, remote: doorman.connections[0]!, remoteHeard: doorman.recorders[0]! };
    }

    async function refusal(attempt: Promise<Connection>): Promise<MusterError> {
      const error = await attempt.then(
        () => null,
        (cause: unknown) => cause,
      );
      expect(error).toBeInstanceOf(MusterError);
      return error as MusterError;
    }

    it('delivers messages both ways, in order, as JSON values', async () => {
      const { client, heard, remote, remoteHeard } = await pair();
      for (let i = 0; i < 100; i++) {
        client.send(text(i, 'ü€😀'));
        remote.send(text(1000 + i));
      }
      await Promise.all([heard.received(100), remoteHeard.received(100)]);
      expect(numbers(remoteHeard.messages)).toEqual(Array.from({ length: 100 }, (_, i) => i));
      expect(numbers(heard.messages)).toEqual(Array.from({ length: 100 }, (_, i) => 1000 + i));
      expect(remoteHeard.messages[7]).toEqual(JSON.parse(text(7, 'ü€😀')));
    });

    it('puts the messages of one turn into one frame, and a single one into its own', async () => {
      const { client, remoteHeard } = await pair();
      for (let i = 0; i < 10; i++) client.send(text(i));
      await remoteHeard.received(10);
      client.send(text(10));
      await remoteHeard.received(11);
      expect(remoteHeard.frames.map((frame) => frame.length)).toEqual([10, 1]);
    });

    it('sends at once when it is flushed', async () => {
      const { client, remoteHeard } = await pair();
      client.send(text(1));
      client.flush();
      client.send(text(2));
      client.send(text(3));
      await remoteHeard.received(3);
      expect(remoteHeard.frames.map(numbers)).toEqual([[1], [2, 3]]);
    });

    it('spreads what is too much for one frame over several, in order', async () => {
      const { client, remoteHeard } = await pair();
      const extra = '€'.repeat(sharedFrameUnits / 10);
      for (let i = 0; i < 25; i++) client.send(text(i, extra));
      await remoteHeard.received(25);
      expect(numbers(remoteHeard.messages)).toEqual(Array.from({ length: 25 }, (_, i) => i));
      expect(remoteHeard.frames.length).toBeGreaterThanOrEqual(3);
      expect(Math.max(...remoteHeard.frames.map((frame) => frame.length))).toBeLessThanOrEqual(10);
    });

    it('takes a message as long as a frame and refuses a longer one at its sender', async () => {
      const { client, remoteHeard } = await pair({ frameBytes: 1000 });
      const room = 1000 - Buffer.byteLength(text(1));
      client.send(text(1, 'x'.repeat(room)));
      expect(() => client.send(text(2, 'x'.repeat(room + 1)))).toThrow(
        expect.objectContaining({ code: 'internal' }),
      );
      expect(() => client.send(text(3, 'é'.repeat(room / 2 + 1)))).toThrow(MusterError);
      client.send(text(4));
      await remoteHeard.received(2);
      expect(numbers(remoteHeard.messages)).toEqual([1, 4]);
      expect(remoteHeard.frames).toHaveLength(2);
    });

    it('tells each end who the other is', async () => {
      const node = { role: 'node', cluster: self.cluster, id: 'n2', store: 's2', incarnation: 9 } as const;
      const { client, remote } = await pair({}, { hello: node });
      expect(client.peer).toEqual(self);
      expect(remote.peer).toEqual(node);
    });

    it('can send from within accept', async () => {
      const { transport, doorman, server } = await start();
      doorman.onAccept = (connection) => connection.send(text(1));
      const heard = new Recorder();
      await transport.connect(connectOptions(server.url, heard));
      await heard.received(1);
      expect(numbers(heard.messages)).toEqual([1]);
    });

    it('sends what is queued before it closes, then drops what is sent', async () => {
      const { client, heard, remoteHeard } = await pair();
      client.send(text(1));
      client.send(text(2));
      client.close();
      client.send(text(3));
      client.flush();
      client.close();
      expect(heard.closedCount).toBe(0);
      await Promise.all([heard.ended(), remoteHeard.ended()]);
      expect(numbers(remoteHeard.messages)).toEqual([1, 2]);
      expect([heard.closedCount, remoteHeard.closedCount]).toEqual([1, 1]);
      expect(client.queued).toBe(0);
    });

    it('gives its handler nothing after its own close', async () => {
      const { client, heard, remote, remoteHeard } = await pair();
      remote.send(text(1));
      client.close();
      await Promise.all([heard.ended(), remoteHeard.ended()]);
      expect(heard.messages).toEqual([]);
    });

    it('closes every connection when the server closes, after which nobody listens there', async () => {
      const { transport, doorman, server } = await start();
      const ends = [new Recorder(), new Recorder()];
      for (const end of ends) await transport.connect(connectOptions(server.url, end));
      await Promise.all([server.close(), server.close()]);
      await Promise.all(ends.map((end) => end.ended()));
      expect(doorman.recorders.map((recorder) => recorder.closedCount)).toEqual([1, 1]);
      const error = await refusal(transport.connect(connectOptions(server.url, new Recorder())));
      expect(error).toMatchObject({
        code: 'unreachable',
        tookEffect: 'no',
        details: { refused: true, url: server.url },
      });
    });

    it('refuses another token, cluster, or a node that is not the one expected', async () => {
      const { transport, doorman, server } = await start();
      const attempt = (over: Partial<ConnectOptions>) =>
        refusal(transport.connect(connectOptions(server.url, new Recorder(), over))).then(({ code }) => code);
      expect(await attempt({ token: 'another' })).toBe('unauthorized');
      expect(await attempt({ token: '' })).toBe('unauthorized');
      expect(await attempt({ hello: { role: 'client', cluster: 'other' } })).toBe('wrong-cluster');
      expect(doorman.connections).toEqual([]);
      const expected = { id: self.id, store: self.store, incarnation: self.incarnation };
      for (const other of [{ id: 'n2' }, { store: 'wiped' }, { incarnation: 2 }, { incarnation: 4 }]) {
        const options = connectOptions(server.url, new Recorder(), { expect: { ...expected, ...other } });
        const error = await refusal(transport.connect(options));
        expect(error).toMatchObject({
          code: 'unreachable',
          details: { refused: false, answered: 'n1', answeredIncarnation: 3 },
        });
      }
      expect(doorman.connections).toEqual([]);
      await transport.connect(connectOptions(server.url, new Recorder(), { expect: expected }));
      expect(doorman.connections).toHaveLength(1);
    });

    it('refuses to listen without a token, or where somebody listens already', async () => {
      const { transport, server } = await start();
      const port = Number(new URL(server.url).port);
      await expect(transport.listen(serverOptions(new Doorman(), { port }))).rejects.toMatchObject({
        code: 'port-taken',
        details: { port },
      });
      await expect(transport.listen(serverOptions(new Doorman(), { token: '' }))).rejects.toMatchObject({
        code: 'usage',
      });
    });

    it('takes no more connections than its bound, and another when one has gone', async () => {
      const { transport, doorman, server } = await start({ connections: 2 });
      const open = [new Recorder(), new Recorder()];
      const [first] = await Promise.all(
        open.map((end) => transport.connect(connectOptions(server.url, end))),
      );
      const error = await refusal(transport.connect(connectOptions(server.url, new Recorder())));
      expect(error).toMatchObject({ code: 'busy', tookEffect: 'no' });
      first!.close();
      await Promise.any(doorman.recorders.map((recorder) => recorder.ended()));
      await transport.connect(connectOptions(server.url, new Recorder()));
      expect(doorman.connections).toHaveLength(3);
    });

    it('answers a frame that is not JSON with a parse error, and closes', async () => {
      const { client, heard, remoteHeard } = await pair();
      client.send('{"jsonrpc":');
      await Promise.all([heard.ended(), remoteHeard.ended()]);
      expect(remoteHeard.messages).toEqual([]);
      expect(heard.messages).toMatchObject([
        { jsonrpc: '2.0', id: null, error: { code: -32700, data: { code: 'bad-message' } } },
      ]);
    });

    it('answers an empty batch with an error, and goes on', async () => {
      const { client, heard, remoteHeard } = await pair();
      client.send('[]');
      client.flush();
      client.send(text(1));
      await Promise.all([heard.received(1), remoteHeard.received(1)]);
      expect(heard.messages).toMatchObject([{ id: null, error: { code: -32600 } }]);
      expect(numbers(remoteHeard.messages)).toEqual([1]);
    });

    it('cuts a connection off when its queue passes the bound', async () => {
      const { client, heard, remoteHeard } = await pair({ queueBytes: 1_000_000 });
      const extra = 'x'.repeat(100_000);
      let most = 0;
      for (let i = 0; i < 200; i++) {
        client.send(text(i, extra));
        most = Math.max(most, client.queued);
      }
      await Promise.all([heard.ended(), remoteHeard.ended()]);
      expect(most).toBeGreaterThan(900_000);
      expect(most).toBeLessThanOrEqual(1_000_000);
      expect(remoteHeard.messages.length).toBeLessThan(200);
      expect([heard.closedCount, remoteHeard.closedCount]).toEqual([1, 1]);
    });
  });
}
