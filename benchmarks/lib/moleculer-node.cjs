// One node of a Moleculer cluster: `node moleculer-node.cjs MODULE NODE_ID NAMESPACE NODES`; says `ready` over
// IPC when it sees that many nodes with the service.
const [modulePath, nodeID, namespace, nodes] = process.argv.slice(2);
const { ServiceBroker } = require(modulePath);

const broker = new ServiceBroker({ nodeID, namespace, transporter: 'TCP', logger: false });
broker.createService({ name: 'echo', actions: { echo: (ctx) => ctx.params } });
broker.start().then(() => {
  const timer = setInterval(() => {
    const seen = broker.registry
      .getServiceList({ onlyAvailable: true })
      .filter(({ name }) => name === 'echo');
    if (seen.length < Number(nodes)) return;
    clearInterval(timer);
    process.send('ready');
  }, 10);
});
process.on('disconnect', () => process.exit(0));
