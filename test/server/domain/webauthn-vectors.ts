/** WebAuthn Level 3 §16, "Test Vectors" (W3C): of the algorithms that are taken here. RP id example.org. All in hex. */

export interface Vector {
  readonly name: string;
  readonly section: string;
  readonly publicKey: string;
  readonly credentialId: string;
  readonly registration: {
    readonly challenge: string;
    readonly clientDataJSON: string;
    readonly attestationObject: string;
  } | null;
  readonly assertion: {
    readonly challenge: string;
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
    readonly signature: string;
  } | null;
}

interface Extras {
  readonly extra?: string;
  readonly crossOrigin?: boolean;
  readonly topOrigin?: string;
}

/** Hash of the RP id. */
const rp = 'bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b5';

/** Serialized as §5.8.1.1 says, sometimes with a member that nobody knows. */
function clientData(
  type: 'create' | 'get',
  challenge: string,
  { extra, crossOrigin = false, topOrigin }: Extras = {},
): string {
  const data = {
    type: `webauthn.${type}`,
    challenge: Buffer.from(challenge, 'hex').toString('base64url'),
    origin: 'https://example.org',
    crossOrigin,
    ...(topOrigin === undefined ? {} : { topOrigin }),
    ...(extra === undefined
      ? {}
      : { extraData: `clientDataJSON may be extended with additional fields in the future, such as this: ${extra}` }),
  };
  return Buffer.from(JSON.stringify(data)).toString('hex');
}

const registration = (challenge: string, attestationObject: string, extras: Extras = {}) => ({
  challenge,
  clientDataJSON: clientData('create', challenge, extras),
  attestationObject,
});
const assertion = (challenge: string, flags: string, signature: string, extras: Extras = {}) => ({
  challenge,
  clientDataJSON: clientData('get', challenge, extras),
  authenticatorData: `${rp}${flags}00000000`,
  signature,
});

/** COSE keys. */
const ec = (x: string, y: string): string => `a5010203262001215820${x}225820${y}`;
/** Product of the two smallest Mersenne primes of at least 1024 bits. */
const modulus = ((2n ** 1279n - 1n) * (2n ** 2203n - 1n)).toString(16).padStart(872, '0');

const attested = (flags: string, aaguid: string, credentialId: string, key: string): string =>
  `${rp}${flags}00000000${aaguid}0020${credentialId}${key}`;
const none = (authData: string): string => `a363666d74646e6f6e656761747453746d74a068617574684461746158a4${authData}`;

const noneKey = ec(
  'afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61',
  '930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220',
);
const selfKey = ec(
  'eb151c8176b225cc651559fecf07af450fd85802046656b34c18f6cf193843c5',
  '927b8aa427a2be1b8834d233a2d34f61f13bfd44119c325d5896e183fee484f2',
);
const crossKey = ec(
  '22200a473f90b11078851550d03b4e44a2279f8c4eca27b3153dedfe03e4e97d',
  'cbd0be95e746ad6f5a8191be11756e4c0420e72f65b466d39bc56b8b123a9c6e',
);
const topKey = ec(
  'a1c47c1d82da4ebe82cd72207102b380670701993bc35398ae2e5726427fe01d',
  '86c1080d82987028c7f54ecb1b01185de243b359294a0ed210cd47480f0adc88',
);
const packedKey = ec(
  '1cf27f25da591208a4239c2e324f104f585525479a29edeedd830f48e77aeae5',
  '59e4b7da6c0106e206ce390c93ab98a15a5ec3887e57f0cc2bece803b920c423',
);
const edKey = 'a401010327200621582044e06ddd331c36a8dc667bab52bcae63486c916aa5e339e6acebaa84934bf832';

const noneId = 'f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4';
const selfId = '455ef34e2043a87db3d4afeb39bbcb6cc32df9347c789a865ecdca129cbef58c';
const crossId = '6e1050c0d2ca2f07c755cb2c66a74c64fa43065c18f938354d9915db2bd5ce57';
const topId = 'b8ad59b996047ab18e2ceb57206c362da57458793481f4a8ebf101c7ca7cc0f1';
const packedId = 'c9a6f5b3462d02873fea0c56862234f99f081728084e511bb7760201a89054a5';
const edId = 'ce9f840ed96599580cd140fbc7bb3230633f50f61041aff73308ae71caa8a2bd';

/** Parts that all certificates of §16 have in common. */
const names =
  '300a06082a8648ce3d0403023062311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c0357334331253023060355040b0c1c41757468656e74696361746f72204174746573746174696f6e204341310b30090603550406130241413020170d3234303130313030303030305a180f33303234303130313030303030305a305f311e301c06035504030c15576562417574686e207465737420766563746f7273310c300a060355040a0c0357334331223020060355040b0c1941757468656e74696361746f72204174746573746174696f6e310b30090603550406130241413059301306072a8648ce3d020106082a8648ce3d03010703420004';
const extensions = 'a360305e300c0603551d130101ff04023000300e0603551d0f0101ff040403020780301d0603551d0e04160414';
const authority = '301f0603551d2304183016801445aff715b0dd786741fee996ebc16547a3931b1e300a06082a8648ce3d040302';

const packedAttestation =
  'a363666d74667061636b65646761747453746d74a363616c6726637369675847304502203f19ec4b229f46ab8c45eff29b904ff10c0390dc40bf1216f04a78f4ceba3425022100fe7041a32759aff05a0f9f26c70a999c7a284451ba89234a1d3483c25e21925b637835638159022530820221308201c8a00302010202110088c220f83c8ef1feafe94deae45faad0' +
  names +
  'a91ba4389409dd38a428141940ca8feb1ac0d7b4350558104a3777a49322f3798440f378b3398ab2d3bb7bf91322c92eb23556f59ad0a836fec4c7663b0e4dc3' +
  extensions +
  'a589ba72d060842ab11f74fb246bdedab16f9b9b' +
  authority +
  '034700304402201726b9d85ecd8a5ed51163722ca3a20886fd9b242a0aa0453d442116075defd502207ef471e530ac87961a88a7f0d0c17b091ffc6b9238d30f79f635b417be5910e7' +
  `68617574684461746158a4${attested('4d', '876ca4f52071c3e9b25509ef2cdf7ed6', packedId, packedKey)}`;

const edAttestation =
  'a363666d74667061636b65646761747453746d74a363616c67266373696758483046022100d83f60bd80269537583218858aefb03ac57d45fa06e42feaae332d187f62da9f022100a02bd3cb6f7e1d283c93bad1f3f4b5a4c0494463da7fdbf256949116754d1f17637835638159022730820223308201c8a003020102021100b2cfc9ea33c8643b0e1a760463eaf164' +
  names +
  'dd2b7a564b73b8c0b81c4c62e521925c4d1198ec9f583dbf1eebe364b65cd9c29a9bdf346aaa81fb6b9507e5249a52fdaf8e39e26b0b7dc45992a7e233b70f70' +
  extensions +
  '0ae27546bc7eccb1b4b597bd354f0c0b1f1f8f8e' +
  authority +
  '0349003046022100a0d434ecb5fc3bfd7da5f41904517ad2836249f561bd834ba7a438a8ab7a4ce8022100fac845bb7a02513b58e9f319654dbe49b0f02b95835bac568c71f8a18cdde9ab' +
  `6861757468446174615881${attested('41', 'd5aa33581e8ca478e20fe713f5d32ff2', edId, edKey)}`;

export const vectors: readonly Vector[] = [
  {
    name: 'none.ES256',
    section: '16.2',
    publicKey: noneKey,
    credentialId: noneId,
    registration: registration(
      '00c30fb78531c464d2b6771dab8d7b603c01162f2fa486bea70f283ae556e130',
      none(attested('59', '8446ccb9ab1db374750b2367ff6f3a1f', noneId, noneKey)),
      { extra: 'BkQeDjcTBrXBBiAwJTLE5Q' },
    ),
    assertion: assertion(
      '39c0e7521417ba54d43e8dc95174f423dee9bf3cd804ff6d65c857c9abf4d408',
      '19',
      '3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87',
    ),
  },
  {
    name: 'packed-self.ES256',
    section: '16.3',
    publicKey: selfKey,
    credentialId: selfId,
    registration: registration(
      '7869c2b772d4b58eba9378cf8f29e26cf935aa77df0da89fa99c0bdc0a76f7e5',
      'a363666d74667061636b65646761747453746d74a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d' +
        `68617574684461746158a4${attested('5d', 'df850e09db6afbdfab51697791506cfc', selfId, selfKey)}`,
      { extra: 'U9hTXvKE2URkMnb_0xYHVg' },
    ),
    assertion: assertion(
      '4478a10b1352348dd160c1353b0d469b5db19eb91c27f7dfa6fed39fe26af20b',
      '09',
      '304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66',
      { extra: 'gTb53rz6EhSWomXGzimC1Q' },
    ),
  },
  {
    name: 'none.ES256.crossOrigin',
    section: '16.4',
    publicKey: crossKey,
    credentialId: crossId,
    registration: registration(
      '3be5aacd03537142472340ab5969f240f1d87716e20b6807ac230655fa4b3b49',
      none(attested('45', '883f4f6014f19c09d87aa38123be48d0', crossId, crossKey)),
      { crossOrigin: true, extra: 'zZquEtDR9DWqpW5tBWTFug' },
    ),
    assertion: assertion(
      '876aa517ba83fdee65fcffdbca4c84eeae5d54f8041a1fc85c991e5bbb273137',
      '05',
      '3046022100eb12fcf23b12764c0f122e22371fab92e283879fd798f38ee1841c951b6e40e7022100c76237ff9db77b3c56f30837cda6a09acfa2e915544e609c0733b1184036d1cf',
      { crossOrigin: true, extra: '92pcTVD0Aby-q4dtmj6efg' },
    ),
  },
  {
    name: 'none.ES256.topOrigin',
    section: '16.5',
    publicKey: topKey,
    credentialId: topId,
    registration: registration(
      '4e1f4c6198699e33c14f192153f49d7e0e8e3577d5ac416c5f3adc92a41f27e5',
      none(attested('41', '97586fd09799a76401c200455099ef2a', topId, topKey)),
      { crossOrigin: true, topOrigin: 'https://example.com' },
    ),
    assertion: null,
  },
  {
    name: 'packed.ES256',
    section: '16.7',
    publicKey: packedKey,
    credentialId: packedId,
    registration: registration('c1184a5fddf8045e13dc47f54b61f5a656b666b59018f16d870e9256e9952012', packedAttestation, {
      extra: '9a8bNYjKCgWrBXU-fCl1ag',
    }),
    assertion: assertion(
      'b1106fa46a57bef1781511c0557dc898a03413d5f0f17d244630c194c7e1adb5',
      '0d',
      '30450220694969d3ee928de6f02ef23a9c644d7d779916451734a94b432542f498a1ebe90221008b0819c824218a97152cd099c55bfb1477b29d900a49a64018314f9bfccda163',
      { extra: 'AZMwyMxIbD8-uguFNp6r8Q' },
    ),
  },
  {
    name: 'packed.RS256',
    section: '16.10',
    publicKey: `a4010303390100205901b4${modulus}2143010001`,
    credentialId: '992a18acc83f67533600c1138a4b4c4bd236de13629cf025ed17cb00b00b74df',
    registration: null,
    assertion: assertion(
      '295f59f5fa8fe62c5aca9e27626c78c8da376ae6d8cd2dd29aebad601e1bc4c5',
      '19',
      '01063d52d7c39b4d432fc7063c5d93e582bdcb16889cd71f888d67d880ea730a428498d3bc8e1ee11f2b1ecbe6c292b118c55ffaaddefa8cad0a54dd137c51f1eec673f1bb6c4d1789d6826a222b22d0f585fc901fdc933212e579d199b89d672aa44891333e6a1355536025e82b25590256c3538229b55737083b2f6b9377e49e2472f11952f79fdd0da180b5ffd901b4049a8f081bb40711bef76c62aed943571f2d0575304cb549d68d8892f95086a30f93716aee818f8dc06e96c0d5e0ed4cfa9fd8773d90464b68cf140f7986666ff9c9e3302acd0535d60d769f465e2ab57ef8aabc89fccfef7ba32a64154a8b3d26be2298f470b8cc5377dbe3dfd4b0b45f8f01e63bde6cfc76b62771f9b70aa27cf40152cad93aa5acd784fd4b90f676e2ea828d0bf2400aebbaae4153e5838f537f88b6228346782a93a899be66ec77de45b3efcf311da6321c92e6b0cd11bfe653bf3e98cee8e341f02d67dbb6f9c98d9e8178090cfb5b70fbc6d541599ac794ae2f1d4de1286ec8de8c2daf7b1d15c8438e90d924df5c19045220a4c8438c1b979bbe016cf3d0eeec23c3999d4882cc645b776de930756612cdc6dd398160ff02a6',
    ),
  },
  {
    name: 'packed.EdDSA',
    section: '16.11',
    publicKey: edKey,
    credentialId: edId,
    registration: registration('a8abf9dabdc6b0df63466b39bda9e8a34a34e185337a59f1c579990676d3b3bd', edAttestation, {
      extra: 'B_DT5g7ZD_-9OTLYX5IvEQ',
    }),
    assertion: assertion(
      '895957e01c633a698348a2d8a31a54b7db27e8c1c43b2080d79ae2190267bfd2',
      '01',
      'f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a637e8419eb9ba4cfdfc48f85393bc0d40b011f0d6fecb097d6607525713223a0dc0d453993dae00b',
    ),
  },
];
