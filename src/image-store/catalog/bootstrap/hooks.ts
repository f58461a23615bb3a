import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EARLY_FILES, type ImageFacts, type ImageFile, imageFiles, KERNEL_ARGUMENTS, SERVICES } from './image-files.ts';

/** Programs that mmdebstrap runs with the root folder of the image as their argument. */
export interface Hooks {
  readonly essential: string;
  readonly customize: string;
}

/** In the image, where grub-install would put them too. */
export const BOOT_IMAGE = '/boot/grub/i386-pc/boot.img';
export const CORE_IMAGE = '/boot/grub/i386-pc/core.img';

const GRUB_MODULES = 'biosdisk part_msdos part_gpt ext2 search search_fs_uuid normal configfile';

/**
 * Writes the hooks and the files they lay into the image below `folder`. They are constant programs: what differs from
 * image to image is in files beside them.
 */
export async function writeHooks(folder: string, facts: ImageFacts): Promise<Hooks> {
  await writeFiles(join(folder, 'early'), EARLY_FILES);
  await writeFiles(join(folder, 'files'), imageFiles(facts));
  await writeFiles(folder, [
    { path: '/grub-early.cfg', content: grubEarly(facts.rootUuid) },
    { path: '/root-uuid', content: facts.rootUuid },
  ]);
  const essential = join(folder, 'essential-hook');
  const customize = join(folder, 'customize-hook');
  await writeFile(essential, ESSENTIAL_HOOK, { mode: 0o755 });
  await writeFile(customize, CUSTOMIZE_HOOK, { mode: 0o755 });
  return { essential, customize };
}

/** In the core image: finds the root file system, whatever the disk is called, and reads grub.cfg there. */
function grubEarly(rootUuid: string): string {
  return `search.fs_uuid ${rootUuid} root\nset prefix=($root)/boot/grub\n`;
}

async function writeFiles(folder: string, files: readonly ImageFile[]): Promise<void> {
  for (const { path, content } of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, content, { mode: 0o644 });
  }
}

const ESSENTIAL_HOOK = `#!/bin/sh
set -eu
here=$(dirname "$0")
cp -rT --no-preserve=all "$here/early" "$1"
`;

// grub.cfg is written by hand because update-grub looks for the disk that holds /, and there is none yet. In a booted
// guest update-grub replaces it.
const CUSTOMIZE_HOOK = `#!/bin/sh
set -eu
root=$1
here=$(dirname "$0")
uuid=$(cat "$here/root-uuid")

rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
cp -rT --no-preserve=all "$here/files" "$root"

mkdir -p "$root/boot/grub/i386-pc"
cp "$root"/usr/lib/grub/i386-pc/*.mod "$root"/usr/lib/grub/i386-pc/*.lst "$root"/usr/lib/grub/i386-pc/boot.img "$root/boot/grub/i386-pc/"
cp "$here/grub-early.cfg" "$root/boot/grub/early.cfg"
chroot "$root" grub-mkimage -O i386-pc -p /boot/grub -c /boot/grub/early.cfg -o ${CORE_IMAGE} ${GRUB_MODULES}
rm "$root/boot/grub/early.cfg"
version=$(ls "$root/boot" | sed -n 's/^vmlinuz-//p' | sort -V | tail -n 1)
cat >"$root/boot/grub/grub.cfg" <<END
serial --speed=115200
terminal_input console serial
terminal_output console serial
search --no-floppy --fs-uuid --set=root $uuid
linux /boot/vmlinuz-$version root=UUID=$uuid ro ${KERNEL_ARGUMENTS}
initrd /boot/initrd.img-$version
boot
END

chroot "$root" systemctl --quiet enable ${SERVICES.enable.join(' ')}
chroot "$root" systemctl --quiet disable ${SERVICES.disable.join(' ')}

# Each machine makes its own.
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
# Until here it was the builder's.
ln -sf ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
`;
