/** Opcode 1, and the only frame of its message (RFC 6455 section 5.2). */
const FIN_TEXT = 0x81;
const MASKED = 0x80;

/**
 * A message of text as one WebSocket frame in one piece (RFC 6455 section 5.2). `ws` makes two of it, header and text, which costs a
 * stream that gathers them and a longer system call (decision 0031). `zeroMask`: the frame of a client, which must be masked, with
 * the mask that changes nothing (decision 0010).
 */
export function textFrame(text: string, zeroMask: boolean): Buffer {
  const bytes = Buffer.byteLength(text);
  const extended = bytes < 126 ? 0 : bytes < 0x10000 ? 2 : 8;
  const start = 2 + extended + (zeroMask ? 4 : 0);
  const frame = Buffer.allocUnsafe(start + bytes);
  frame[0] = FIN_TEXT;
  const masked = zeroMask ? MASKED : 0;
  if (extended === 0) frame[1] = masked | bytes;
  else if (extended === 2) {
    frame[1] = masked | 126;
    frame.writeUInt16BE(bytes, 2);
  } else {
    frame[1] = masked | 127;
    frame.writeUInt32BE(0, 2);
    frame.writeUInt32BE(bytes, 6);
  }
  if (zeroMask) frame.fill(0, start - 4, start);
  frame.write(text, start, 'utf8');
  return frame;
}
