// A process with a node's command line: lives until SIGTERM, then ends with code 0.
process.on('SIGTERM', () => process.exit(0));
console.log('lives');
setInterval(() => {}, 1000);
