import { simulate } from '../src/simulator/run.js';
import { variants } from '../src/simulator/variants.js';
const v = variants.find((x) => x.name === process.argv[2])!;
const hits: number[] = []; const inv: Record<string, number> = {}; const t = Date.now();
for (let s = 1; s <= Number(process.argv[3]); s++) { const r = simulate(s, v.rules, v.change); if (r.verdict !== 'ok') { hits.push(s); const k = r.message.slice(0, 60); inv[k.replace(/n\d/g, 'n')] = (inv[k.replace(/n\d/g, 'n')] ?? 0) + 1; } }
console.log(v.name, hits.slice(0, 20).join(' '), hits.length, inv, `${(Date.now() - t) / Number(process.argv[3])} ms a seed`);
