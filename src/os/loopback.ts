/** Is this host, as a listener or a URL has it, one that only this machine can reach? */
export const isLoopback = (host: string): boolean => /^(localhost|::1|\[::1\]|127(\.\d{1,3}){3})$/.test(host);
