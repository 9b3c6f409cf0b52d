/** Bytes of a Unix socket's name (unix(7)), the leading zero of an abstract one included. */
const NAME_BYTES = 108;

/**
 * The name of an abstract Unix socket of Linux, as a `path` for Node: filled up with zeros. A shorter one is not the same to every
 * Node: up to libuv 1.46 (Node 20) it is filled up, from 1.47 on (Node 22) it is not, and each zero counts.
 * Throws a RangeError when it is too long.
 */
export function abstractName(name: string): string {
  const path = `\0${name}`;
  if (Buffer.byteLength(path) > NAME_BYTES)
    throw new RangeError(`the name of a socket has at most ${NAME_BYTES - 1} bytes: ${name}`);
  return path + '\0'.repeat(NAME_BYTES - Buffer.byteLength(path));
}
