/**
 * Is this host a loopback address, and not a name? A name may stand for several addresses, and a refusal by one of them says nothing of
 * the others (R12a).
 */
export const isLoopbackAddress = (host: string): boolean => /^(::1|\[::1\]|127(\.\d{1,3}){3})$/.test(host);

/** Is this host, as a listener or a URL has it, one that only this machine can reach? */
export const isLoopback = (host: string): boolean => host === 'localhost' || isLoopbackAddress(host);
