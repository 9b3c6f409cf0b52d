import { soundRules } from '../src/core/rules.js';
import { simulate } from '../src/simulator/run.js';
import { variants } from '../src/simulator/variants.js';
const v = variants.find((x) => x.name === process.argv[2]); const [from, to] = [Number(process.argv[3]), Number(process.argv[4])];
let bad = 0; const t = Date.now(); let out = 0;
for (let s = from; s <= to; s++) { const r: any = v ? simulate(s, soundRules, v.change) : simulate(s); out += r.seen?.out ?? 0; if (r.verdict !== 'ok') { bad++; console.log(s, r.message); } }
console.log('sound', v?.name ?? 'default', bad, 'of', to - from + 1, `${((Date.now() - t) / (to - from + 1)).toFixed(0)} ms a seed`, 'out', out);
