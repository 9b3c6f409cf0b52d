import { expect, test } from 'vitest';
import { isLoopback, isLoopbackAddress } from '../../src/os/loopback.js';

const addresses = ['127.0.0.1', '127.255.0.9', '::1', '[::1]'];
const others = ['', '0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '127.0.0', 'x127.0.0.1', 'localhost.example'];

test('a loopback address is one that only this machine can reach, and so is localhost', () => {
  for (const host of [...addresses, 'localhost']) expect([host, isLoopback(host)]).toEqual([host, true]);
  for (const host of others) expect([host, isLoopback(host)]).toEqual([host, false]);
});

test('a name is no address: a refusal by one of its addresses does not prove that a process has ended', () => {
  for (const host of addresses) expect([host, isLoopbackAddress(host)]).toEqual([host, true]);
  for (const host of [...others, 'localhost']) expect([host, isLoopbackAddress(host)]).toEqual([host, false]);
});
