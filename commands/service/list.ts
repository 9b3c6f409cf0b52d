import { BaseCommand } from '../../src/cli/base-command.js';
import type { ServiceView } from '../../src/client/api.js';

export default class ServiceList extends BaseCommand<typeof ServiceList> {
  static override summary = 'List the services that nodes run, with their methods';
  static override readOnly = true;
  static override examples = ['<%= config.bin %> service list', '<%= config.bin %> service list --json'];

  async run(): Promise<ServiceView[]> {
    const client = await this.client();
    const services = await client.services({ timeoutMs: this.timeoutMs() });
    const rows = services.flatMap(({ name, methods }) =>
      methods.map((method) => ({ call: `${name}.${method.name}`, ...method })),
    );
    await this.table(rows, [
      { title: 'METHOD', of: (row) => row.call },
      { title: 'IDEMPOTENT', of: (row) => (row.idempotent ? 'yes' : 'no') },
    ]);
    return services;
  }
}
