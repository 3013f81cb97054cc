/**
 * A file system in an image file, whose power can be cut: ext4 on a loop device, shut down without flushing its journal
 * (EXT4_IOC_SHUTDOWN), unmounted and mounted anew. What was written and not synced is gone, as after a power cut. What a
 * drive forgets that said it had synced is not in this: the image keeps every block that the file system handed down.
 * Needs Linux, root, loop devices, mkfs.ext4 and perl (Node has no ioctl).
 */
import { execFile, execFileSync } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** `discard`: blocks of deleted files are handed back to the disk at once, which makes holes in the image. */
export type MountOption = 'plain' | 'discard';

/** linux/fs/ext4: _IOR('X', 125, __u32); 2 is EXT4_GOING_FLAGS_NOLOGFLUSH. */
const shutdown =
  'open(my $root, "<", $ARGV[0]) or die "open: $!\\n"; my $flags = pack("L", 2); ioctl($root, 0x8004587D, $flags) or die "ioctl: $!\\n";';

export class LoopVolume {
  readonly #folder = mkdtempSync(join(tmpdir(), 'lanying-volume-'));
  readonly #options: string;
  #mounted = false;

  /** Made and mounted. Throws what the system says where that is not possible. */
  constructor(mebibytes: number, option: MountOption = 'plain') {
    this.#options = option === 'discard' ? 'loop,discard' : 'loop';
    try {
      writeFileSync(this.image, '');
      truncateSync(this.image, mebibytes * 1024 * 1024);
      mkdirSync(this.path);
      execFileSync('mkfs.ext4', ['-q', '-F', this.image], { stdio: 'pipe' });
      this.mount();
    } catch (cause) {
      this.remove();
      throw cause;
    }
  }

  /** Its root. */
  get path(): string {
    return join(this.#folder, 'root');
  }
  get image(): string {
    return join(this.#folder, 'image');
  }
  /** What the image really takes on the disk below, in bytes. */
  get bytesUsed(): number {
    return statSync(this.image).blocks * 512;
  }

  mount(): void {
    execFileSync('mount', ['-t', 'ext4', '-o', this.#options, this.image, this.path], { stdio: 'pipe' });
    this.#mounted = true;
  }

  /** Nobody may have a file of it open. */
  unmount(): void {
    execFileSync('umount', [this.path], { stdio: 'pipe' });
    this.#mounted = false;
  }

  /** From here on every read and write of it fails; what the journal has not committed is gone. */
  async cut(): Promise<void> {
    await run('perl', ['-e', shutdown, this.path]);
  }

  /** After a cut, once nobody has a file open: as the machine finds it when it starts again. */
  restore(): void {
    this.unmount();
    this.mount();
  }

  /** Hands all free blocks back to the disk. */
  trim(): void {
    execFileSync('fstrim', [this.path], { stdio: 'pipe' });
  }

  /** Every byte of the image, free blocks too, in pieces that overlap by `overlap` bytes. It must be unmounted. */
  async eachPiece(overlap: number, look: (piece: Buffer) => void): Promise<void> {
    if (this.#mounted) throw new Error('what is not written yet would not be seen: unmount it first');
    let rest = Buffer.alloc(0);
    const stream: AsyncIterable<Buffer> = createReadStream(this.image, { highWaterMark: 4 * 1024 * 1024 });
    for await (const part of stream) {
      const piece = Buffer.concat([rest, part]);
      look(piece);
      rest = Buffer.from(piece.subarray(Math.max(0, piece.length - overlap)));
    }
  }

  remove(): void {
    if (this.#mounted) this.unmount();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Null when power cuts work here; else why not. */
export async function whyNoPowerCuts(): Promise<string | null> {
  if (process.platform !== 'linux') return 'Linux is needed';
  if (process.getuid?.() !== 0) return 'only root may mount';
  let volume: LoopVolume | null = null;
  try {
    volume = new LoopVolume(16);
    writeFileSync(join(volume.path, 'unsynced'), 'gone after the cut');
    await volume.cut();
    volume.restore();
    return existsSync(join(volume.path, 'unsynced')) ? 'a cut takes nothing away here' : null;
  } catch (cause) {
    return cause instanceof Error ? cause.message.trim().replaceAll('\n', ' ') : String(cause);
  } finally {
    volume?.remove();
  }
}
