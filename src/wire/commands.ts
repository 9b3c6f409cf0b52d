import type { Command, Operation } from '../core/machine/types.js';
import { asFields, bad, checkKey, checkValue, isCount, isInteger, isSession, onlyFields } from './check.js';

/** Strict: every field checked, none beyond them. Returns the same object, now known to be an `Operation`. */
export function checkOperation(value: unknown, where: string): Operation {
  const op = asFields(value, where) as Operation & { ifVersion?: unknown };
  let fields = 2;
  switch (op.type) {
    case 'incr':
      fields = 3;
      if (!isInteger(op.by)) bad(`${where}.by`, 'a whole number within ±(2^53−1)');
      break;
    case 'reset':
      fields = 3;
      if (!isInteger(op.value)) bad(`${where}.value`, 'a whole number within ±(2^53−1)');
      break;
    case 'put':
    case 'delete':
      if (op.type === 'put') {
        fields = 3;
        checkValue(op.value, `${where}.value`);
      }
      if (op.ifVersion !== undefined) {
        fields++;
        if (!isCount(op.ifVersion)) bad(`${where}.ifVersion`, 'a whole number from 0');
      }
      break;
    case 'resolve':
      break;
    default:
      bad(`${where}.type`, 'put, delete, incr, reset or resolve');
  }
  checkKey(op.key, `${where}.key`);
  onlyFields(op as never, fields, where);
  return op;
}

/** One command of a replicated log. */
export function checkCommand(value: unknown, where: string): Command {
  const command = asFields(value, where) as Command;
  switch (command.type) {
    case 'op':
      if (!isSession(command.session)) bad(`${where}.session`, 'a session such as "1.42"');
      if (!isCount(command.n)) bad(`${where}.n`, 'a whole number from 0');
      if (!isCount(command.first)) bad(`${where}.first`, 'a whole number from 0');
      checkOperation(command.op, where);
      onlyFields(command as never, 5, where);
      break;
    case 'barrier':
      onlyFields(command as never, 1, where);
      break;
    case 'open':
      if (!isCount(command.gen)) bad(`${where}.gen`, 'a whole number from 0');
      onlyFields(command as never, 2, where);
      break;
    case 'close':
    case 'expire':
      if (!isSession(command.session)) bad(`${where}.session`, 'a session such as "1.42"');
      onlyFields(command as never, 2, where);
      break;
    default:
      bad(`${where}.type`, 'barrier, open, close, expire or op');
  }
  return command;
}
