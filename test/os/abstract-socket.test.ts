import { describe, expect, it } from 'vitest';
import { abstractName } from '../../src/os/abstract-socket.js';

describe('the name of an abstract socket', () => {
  it('is as long as names can be, so that every Node makes the same of it', () => {
    for (const name of ['a', 'muster-store-66049-123456', 'ü', 'x'.repeat(107)]) {
      expect(Buffer.byteLength(abstractName(name))).toBe(108);
      expect(abstractName(name).replaceAll('\0', '')).toBe(name);
      expect(abstractName(name)[0]).toBe('\0');
    }
    expect(() => abstractName('x'.repeat(108))).toThrow(RangeError);
  });
});
