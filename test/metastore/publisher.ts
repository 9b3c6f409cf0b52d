/** A process of the race in directory.test.ts: publishes, each map naming its author, until killed or done. */
import type { ClusterMap } from '../../src/core/map/types.js';
import { DirectoryMetastore } from '../../src/metastore/directory.js';

const [folder, author, goal] = process.argv.slice(2) as [string, string, string];
const metastore = new DirectoryMetastore(folder);
for (let n = 1; ; ) {
  const newest: ClusterMap = (await metastore.read())!;
  if (newest.revision >= Number(goal)) break;
  const map: ClusterMap = { ...newest, name: `${author}:${n}`, revision: newest.revision + 1 };
  const outcome = await metastore.publish(map, newest.revision);
  if (outcome === 'conflict') continue;
  process.stdout.write(`${outcome} ${map.revision} ${map.name}\n`);
  n++;
}
await metastore.close();
