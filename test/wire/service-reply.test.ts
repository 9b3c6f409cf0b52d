import { expect, it } from 'vitest';
import { decodeServiceReply, encodeServiceReply, type ServiceReply } from '../../src/wire/service-reply.js';

const load = { inflight: 3, queued: 1, maxInflight: 8, loop: 0.25, cpu: 1.5, waitedMs: 2.75 };

it('is what it was on the other side', () => {
  const done = encodeServiceReply({ ok: true, value: '{"a":[1]}', load });
  expect(decodeServiceReply(JSON.parse(done))).toEqual({ ok: true, value: { a: [1] }, load });
  const failures: ServiceReply<string>[] = [
    { ok: false, code: 'busy', message: 'a "reason"', ran: false, load },
    { ok: false, code: 'handler-failed', message: '', ran: true, own: 'E_OWN', load },
  ];
  for (const failed of failures)
    expect(decodeServiceReply(JSON.parse(encodeServiceReply(failed)))).toEqual(failed);
});

it.each([
  [{ ok: true, value: 1 }],
  [{ ok: true, load: [0, 0, 1, 0, 0, 0] }],
  [{ ok: true, value: 1, load }],
  [{ ok: true, value: 1, load: [0, 0, 1, 0, 0] }],
  [{ ok: true, value: 1, load: [0, 0, 1, 0, 0, -1] }],
  [{ ok: true, value: 1, load: [0, 0, 1, 0, 0, null] }],
  [{ ok: true, value: 1, load: [0, 0, 1, 0, 0, 0], more: 1 }],
  [{ ok: false, code: 'other', message: '', ran: true, load: [0, 0, 1, 0, 0, 0] }],
  [{ ok: false, code: 'busy', message: '', load: [0, 0, 1, 0, 0, 0] }],
  [{ ok: 1, load: [0, 0, 1, 0, 0, 0] }],
  [null],
])('is refused when it is none: %j', (value) => {
  expect(() => decodeServiceReply(value)).toThrow(expect.objectContaining({ code: 'bad-message' }));
});
