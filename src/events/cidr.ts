import { BlockList, isIP } from 'node:net';

/** Whether an address is in a block; undefined when `10.0.0.0/24` is not one. Texts that are no addresses are in none. */
export function parseCidr(text: string): ((address: string) => boolean) | undefined {
  const [, network = '', digits = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? [];
  const version = isIP(network);
  if (version === 0 || Number(digits) > (version === 4 ? 32 : 128)) return undefined;
  const block = new BlockList();
  block.addSubnet(network, Number(digits), version === 4 ? 'ipv4' : 'ipv6');
  return (address) => {
    const family = isIP(address);
    return family === version && block.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
}
