import { describe, expect, it } from 'vitest';
import { Outbox } from '../../src/transport/frames.js';

const nextTick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function outbox(): { out: Outbox; frames: string[] } {
  const frames: string[] = [];
  const sink = { write: (frame: string) => void frames.push(frame), buffered: 0, overflow: () => {} };
  return { out: new Outbox(sink, { frameBytes: 1 << 20, queueBytes: 1 << 20 }), frames };
}

/** One that has written a frame of two, and has a third message to write. */
async function afterSeveral(): Promise<ReturnType<typeof outbox>> {
  const made = outbox();
  made.out.push('1');
  made.out.push('2');
  await nextTick();
  made.out.push('3');
  return made;
}

describe('an outbox', () => {
  it('while little goes on, writes at the end of the event, after all that the event caused', async () => {
    const { out, frames } = outbox();
    out.push('1');
    void Promise.resolve()
      .then(() => {})
      .then(() => out.push('2'));
    expect(frames).toEqual([]);
    await nextTick();
    await nextTick();
    expect(frames).toEqual(['[1,2]']);
  });

  it('after a frame of several, waits for what other events of the turn cause', async () => {
    const { out, frames } = await afterSeveral();
    await nextTick();
    await nextTick();
    expect(frames).toEqual(['[1,2]']);
    out.push('4');
    await immediate();
    expect(frames).toEqual(['[1,2]', '[3,4]']);
  });

  it('is quick again after a frame of one', async () => {
    const { out, frames } = await afterSeveral();
    await immediate();
    out.push('4');
    await nextTick();
    expect(frames).toEqual(['[1,2]', '3', '4']);
  });
});
