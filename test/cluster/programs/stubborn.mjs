// A process with a node's command line that does not end by itself.
process.on('SIGTERM', () => console.log('no'));
console.log('lives');
setInterval(() => {}, 1000);
