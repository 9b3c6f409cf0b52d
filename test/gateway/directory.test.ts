import { beforeEach, describe, expect, it } from 'vitest';
import { Directory } from '../../src/gateway/directory.js';
import { limits } from '../../src/limits.js';
import type { ServiceView } from '../../src/service/definition.js';

const service = (name: string, idempotent = true): ServiceView => ({
  name,
  methods: [{ name: 'go', idempotent }],
});

let now: number;
let asked: number;
let nodes: () => Promise<ServiceView[]>;
let directory: Directory;
beforeEach(() => {
  now = 0;
  asked = 0;
  nodes = async () => [service('shop')];
  directory = new Directory(
    () => {
      asked += 1;
      return nodes();
    },
    () => now,
  );
});

describe('what is known of the services', () => {
  it('is asked for once by all who want to know, and again when it is old', async () => {
    await Promise.all([directory.services(100), directory.services(100)]);
    now = limits.gatewayServicesMs - 1;
    expect(await directory.isIdempotent('shop', 'go', 100)).toBe(true);
    expect(asked).toBe(1);
    nodes = async () => [service('shop', false)];
    now = limits.gatewayServicesMs;
    expect(await directory.isIdempotent('shop', 'go', 100)).toBe(false);
    expect(asked).toBe(2);
  });

  it('is asked for again before it is said that there is no such method', async () => {
    await directory.services(100);
    nodes = async () => [service('shop'), service('new')];
    expect(await directory.isIdempotent('new', 'go', 100)).toBe(true);
    await expect(directory.isIdempotent('shop', 'stop', 100)).rejects.toMatchObject({
      code: 'unknown-service',
      message: 'unknown method shop.stop: the methods of shop are go',
    });
    await expect(directory.isIdempotent('toString', 'go', 100)).rejects.toMatchObject({
      message: 'unknown service toString: the services are shop, new',
    });
    expect([directory.knows('new', 'go'), directory.knows('new', 'stop')]).toEqual([true, false]);
  });

  it('is what it was while no node answers, and nothing before one did', async () => {
    nodes = () => Promise.reject(new Error('down'));
    await expect(directory.services(100)).rejects.toThrow('down');
    nodes = async () => [service('shop')];
    await directory.services(100);
    now = 10 * limits.gatewayServicesMs;
    nodes = () => Promise.reject(new Error('down'));
    expect(await directory.services(100)).toEqual([service('shop')]);
    await expect(directory.fresh(100)).rejects.toThrow('down');
  });

  it('is waited for no longer than there is time', async () => {
    nodes = () => new Promise(() => {});
    await expect(directory.services(10)).rejects.toMatchObject({ code: 'timeout', tookEffect: 'no' });
  });

  it('is waited for a part of that time when something older is known', async () => {
    await directory.services(100);
    now = limits.gatewayServicesMs;
    nodes = () => new Promise(() => {});
    const begin = performance.now();
    expect(await directory.services(800)).toEqual([service('shop')]);
    expect(performance.now() - begin).toBeLessThan(800);
  });
});
