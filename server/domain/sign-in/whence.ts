/** From where a session was begun, as coarse as a person needs to recognise it: a part of the network, a browser, a system. */

/** What the transport knows of a call. */
export interface Whence {
  readonly address: string;
  /** `User-Agent`, '' when absent. Only its family is kept. */
  readonly agent: string;
}

export interface Place {
  /** CIDR block, an IPv4 /24 or IPv6 /48; null when the address is neither. */
  readonly network: string | null;
  readonly browser: string;
  readonly system: string;
}

const octet = '(\\d{1,3})';
const ipv4 = new RegExp(`^(?:::ffff:)?${octet}\\.${octet}\\.${octet}\\.${octet}$`, 'i');
/** The transport's form of an IPv6 caller (transport/address.ts): the 64 network bits. */
const ipv6 = /^([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})[0-9a-f]{4}\/64$/;

export function networkOf(address: string): string | null {
  const four = ipv4.exec(address);
  if (four !== null) return `${four[1]}.${four[2]}.${four[3]}.0/24`;
  const six = ipv6.exec(address);
  if (six === null) return null;
  const groups = six.slice(1).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${groups.join(':')}::/48`;
}

/** The first that fits names it: many browsers also bear the names of those that they descend from. */
const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|Opera)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bMicroMessenger\//, 'WeChat'],
  [/\b(?:QQBrowser|MQQBrowser)\//, 'QQ'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|Chromium|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.*\bSafari\//, 'Safari'],
  [/^(?:node|undici)\b/i, 'SDK'],
];
const systems: readonly (readonly [RegExp, string])[] = [
  [/\bHarmonyOS\b|\bOpenHarmony\b/, 'HarmonyOS'],
  [/\bAndroid\b/, 'Android'],
  [/\b(?:iPhone|iPad|iPod)\b/, 'iOS'],
  [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];
const agentLengthMax = 512;

export function placeOf({ address, agent }: Whence): Place {
  const read = agent.slice(0, agentLengthMax);
  const named = (families: typeof browsers): string => families.find(([sign]) => sign.test(read))?.[1] ?? '';
  return { network: networkOf(address), browser: named(browsers), system: named(systems) };
}
