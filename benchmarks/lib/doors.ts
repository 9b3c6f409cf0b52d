import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanEnv, end, freePorts, run, start, until } from './processes.js';

/** What is posted, and answered again. */
export const body = JSON.stringify({ text: 'x'.repeat(40), by: 1 });
export const path = '/demo/echo';

export interface Door {
  readonly url: string;
  stop(): Promise<void>;
}

async function answering(url: string): Promise<void> {
  await until(url, 20_000, async () => {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    return response.ok && (await response.text()).includes(body) ? true : null;
  });
}

/** Plain Node servers that answer JSON with JSON. */
export async function startPlain(
  dir: string,
  servers: number,
): Promise<{ ports: number[]; stop(): Promise<void> }> {
  const ports = await freePorts(servers);
  const program = fileURLToPath(new URL('plain-server.cjs', import.meta.url));
  const children = ports.map((port) =>
    start(process.execPath, [program, String(port)], join(dir, `plain-${port}.log`)),
  );
  for (const port of ports) await answering(`http://127.0.0.1:${port}${path}`);
  return { ports, stop: async () => void (await Promise.all(children.map((child) => end(child)))) };
}

/** Starts what listens on the port that `command` is given, with its output in `log`; resolves when it answers. */
async function open(
  log: string,
  command: (port: number) => [file: string, args: string[]],
  env = cleanEnv(),
): Promise<Door> {
  const [port] = (await freePorts(1)) as [number];
  const child = start(...command(port), log, env);
  const url = `http://127.0.0.1:${port}${path}`;
  await answering(url);
  return { url, stop: () => end(child) };
}

/** nginx in front of them: one worker, connections to them kept open, no log. */
export function startNginx(dir: string, behind: readonly number[]): Promise<Door> {
  const folder = join(dir, 'nginx');
  mkdirSync(folder);
  const config = join(folder, 'nginx.conf');
  return open(join(folder, 'out.log'), (port) => {
    writeFileSync(
      config,
      `worker_processes 1; daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream plain { ${behind.map((p) => `server 127.0.0.1:${p};`).join(' ')} keepalive 64; }
  server { listen 127.0.0.1:${port}; keepalive_requests 1000000;
    location / { proxy_pass http://plain; proxy_http_version 1.1; proxy_set_header Connection ""; } }
}
`,
    );
    return ['nginx', ['-c', config, '-p', folder]];
  });
}

/** HAProxy in front of them: one thread, connections to them kept open and shared, no log. */
export function startHaproxy(dir: string, behind: readonly number[]): Promise<Door> {
  const folder = join(dir, 'haproxy');
  mkdirSync(folder);
  const config = join(folder, 'haproxy.cfg');
  return open(join(folder, 'out.log'), (port) => {
    writeFileSync(
      config,
      `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  http-reuse always
frontend door
  bind 127.0.0.1:${port}
  default_backend plain
backend plain
  balance roundrobin
${behind.map((p, i) => `  server s${i} 127.0.0.1:${p}`).join('\n')}
`,
    );
    return ['haproxy', ['-f', config, '-db']];
  });
}

/** `muster gateway` of a cluster that runs. */
export function startGateway(
  dir: string,
  program: string,
  env: NodeJS.ProcessEnv,
  cluster: string,
): Promise<Door> {
  const args = (port: number): string[] => [program, 'gateway', '-c', cluster, '--port', String(port)];
  return open(join(dir, 'gateway.log'), (port) => [process.execPath, args(port)], env);
}

export interface Pressed {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly errors: number;
}

/** Posts as fast as it is answered, over so many connections of one thread (`wrk`). Times in ms. */
export function press(dir: string, url: string, connections: number, seconds: number): Pressed {
  const script = join(dir, 'post.lua');
  writeFileSync(
    script,
    `wrk.method = "POST"
wrk.body = '${body}'
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"perSecond":%f,"p50":%f,"p99":%f,"errors":%d}\\n', summary.requests * 1e6 / summary.duration,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, e.connect + e.read + e.write + e.status + e.timeout))
end
`,
  );
  const said = run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url], cleanEnv());
  return JSON.parse(said.trim().split('\n').at(-1)!) as Pressed;
}
