import { connect } from '../src/index.js';
const c = await connect({cluster:'s'});
const m = await c.map();
console.log(m.revision, JSON.stringify(m.members,null,0).replace(/"url[^,]*,/g,'').slice(0,900));
for (const p of [3,4,52]) console.log(p, JSON.stringify(m.partitions[p]).replace(/\/[0-9a-f-]{36}/g,''));
console.log(JSON.stringify(m.placement)?.slice(0,300));
await c.close();
