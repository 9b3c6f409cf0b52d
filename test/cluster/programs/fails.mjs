// A process with a node's command line that ends at once, saying why as a node does.
console.log(
  JSON.stringify({ level: 60, code: 'port-taken', msg: 'port 7001 is in use', details: { port: 7001 } }),
);
process.exit(1);
