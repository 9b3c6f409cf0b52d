/**
 * A service for orders. A counter numbers them. A lock lets each customer place one order at a time. A transaction takes the goods from
 * the stock and stores the order: both or neither.
 *
 *   muster cluster start shop -n 3 --service ./examples/orders.js
 *   muster counter incr stock/apples --by 10 -c shop
 *   muster route orders.place '{"customer": "ada", "item": "apples", "count": 3}' -c shop
 *   muster route orders.stock '{"item": "apples"}' -c shop
 */

const refuse = (code, message) => Object.assign(new Error(message), { code });

export default {
  name: 'orders',
  handlers: {
    async place({ customer, item, count }, { counter, lock, transaction, log, node }) {
      if (!Number.isSafeInteger(count) || count < 1)
        throw refuse('bad-order', `count must be 1 or more, not ${count}`);
      const order = await counter.incr('orders');
      return lock(`customer/${customer}`, { ttlMs: 10_000, waitMs: 5_000 }, () =>
        transaction(async (t) => {
          const left = (await t.get(`stock/${item}`)) ?? 0;
          if (left < count) throw refuse('out-of-stock', `there are ${left} ${item} left`);
          t.incr(`stock/${item}`, -count);
          t.put(`order/${order}`, JSON.stringify({ customer, item, count, node }));
          log('order taken', { order, customer });
          return { order, left: left - count };
        }),
      );
    },
    stock: {
      idempotent: true,
      handle: async ({ item }, { counter }) => ({ item, left: await counter.get(`stock/${item}`) }),
    },
  },
};
