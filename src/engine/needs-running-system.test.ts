import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { parseComponent } from '../documents/parse-component.ts';
import { runningSystemNeed } from './needs-running-system.ts';

const PHASES = ['build', 'validate'];

function needOfBash(...commands: readonly string[]): string | undefined {
  const step = { name: 'Step', action: 'ExecuteBash', inputs: { commands } };
  const document = { schemaVersion: '1.0', phases: [{ name: 'build', steps: [step] }] };
  return runningSystemNeed(parseComponent(JSON.stringify(document), 'test'), PHASES)?.why;
}

describe('the need of a running system', () => {
  test('is seen in scripts, wherever the command stands', () => {
    const needs = [
      'exit 194',
      '[ -e /done ] || exit 194',
      'reboot',
      'sudo shutdown -r now',
      'systemctl start nginx',
      'systemctl -q restart nginx.service',
      'apt-get install -y x && systemctl reload x',
      'systemctl enable --now nginx',
      'if systemctl is-active --quiet x; then echo; fi',
      '/usr/bin/systemctl start x',
      'service nginx restart',
      '/etc/init.d/nginx start',
      'sudo modprobe br_netfilter',
      'sysctl -w net.ipv4.ip_forward=1',
      'sysctl --system',
      'echo 1 > /proc/sys/net/ipv4/ip_forward',
      'echo 1 | tee /sys/kernel/x',
      'mount /dev/sdb /mnt',
      'mkfs.ext4 /dev/xvdb',
      'docker pull alpine',
      'id=$(docker ps -q)',
      'TOKEN=$(curl -X PUT http://169.254.169.254/latest/api/token)',
      'iptables -A INPUT -j DROP',
      'hostnamectl set-hostname web',
      'update-grub',
      'cp bashrc /home/debian/.bashrc',
      'apt-get install -y linux-image-amd64',
      'uname -r > /etc/kernel',
      'echo "$(uname -a)" > /etc/kernel',
      'uname -s --kernel-release',
      'sed -i "s/auto/$(nproc)/" /etc/nginx/nginx.conf',
      'echo "workers = $(nproc)" > /etc/x',
      'workers=`nproc --all`',
      'make -j$(nproc) && nproc > /etc/x',
      'lscpu | grep Model > /etc/x',
      "free -m | awk 'NR == 2 { print $2 }' > /etc/x",
      'getconf _NPROCESSORS_ONLN',
      'cat /proc/cpuinfo > /root/cpu',
      "awk '/MemTotal/ { print $2 }' /proc/meminfo",
      'cat /proc/sys/fs/file-max',
      'LC_ALL=C lscpu > /etc/cpus',
      'echo "OPTIONS=-l 0.0.0.0 --threads $(nproc)" > /etc/default/memcached',
      'IFACE=$(ip -o -4 route show to default)',
      'ip addr',
      'echo "bind $(hostname -I)" > /etc/app.conf',
      'echo "UUID=$(findmnt -no UUID /) / ext4 defaults 0 1" > /etc/fstab',
      'for d in $(lsblk -ndo NAME); do echo "$d"; done',
      'test -e /dev/nvme0n1 && echo nvme > /etc/disks',
      'if [ -d /run/systemd/system ]; then cp a b; fi',
      'case "$(ps -p 1 -o comm=)" in systemd) true;; esac',
      '[ "$(cat /proc/1/comm)" = systemd ]',
      'pgrep -x sshd >/dev/null && echo up > /etc/state',
      'cat /etc/machine-id > /etc/app-id',
      'if id -u ubuntu >/dev/null 2>&1; then true; fi',
      'usermod -aG docker admin || true',
      'chown -R admin:admin /srv',
      'getent passwd 1000 | cut -d: -f1',
      'sudo -u postgres createdb app',
      'sudo -u postgres psql -c "create role app"',
      'su - postgres -c "createdb app"',
      'runuser -u postgres -- psql',
      'mysql -e "create database app"; echo done',
      'redis-cli CONFIG SET maxmemory 1gb',
      'rabbitmqctl add_user app secret',
      'curl -fsS http://localhost:9200/_cluster/health || true',
      '[ -S /run/mysqld/mysqld.sock ] && echo up',
    ];
    for (const line of needs) assert.notEqual(needOfBash('set -e', line), undefined, line);
  });

  test('is not seen where files are all that is changed', () => {
    const free = [
      'apt-get update -q && apt-get install -y nginx docker.io',
      'systemctl enable nginx',
      'systemctl daemon-reload',
      'systemctl is-enabled nginx',
      '# systemctl start nginx',
      'echo reboot-required > /etc/x',
      'cp mount.conf /etc/modprobe.d/sysctl.conf',
      'grep -r docker /etc',
      'useradd service',
      'exit 1',
      'make -j$(nproc) && make install',
      'make -j "$(nproc)"',
      'cmake --build . --parallel=`nproc`',
      'xz -T$(nproc) x && ninja -j $(($(nproc) + 1))',
      '[ "$(uname -m)" = x86_64 ] && uname -s -n',
      'cat /proc/sys/kernel/random/uuid > /etc/id',
      'echo "free -m shows what is free" > /etc/x; sort --free x',
      'apt-get install -y libc6 && cat /proc/self/comm',
      'apt-get install -y postgresql redis-server mysql-server',
      'useradd --system app && usermod -aG docker app',
      'chown app:app /srv/admin && id -u app',
      'rm -f /etc/machine-id && touch /etc/machine-id',
      'curl -fsSL https://example.org/key.asc | gpg --dearmor',
      'hostname && ip -V',
      'nginx -t && apachectl configtest',
      'echo "listen localhost" > /etc/x',
      'cp ip addr.txt && mkdir ss',
    ];
    for (const line of free) assert.equal(needOfBash(line), undefined, line);
  });

  test('is seen where a constant, or a parameter, has it', () => {
    const steps = [{ name: 'Step', action: 'ExecuteBash', inputs: { commands: ['{{ Start }} {{ What }}'] } }];
    const text = JSON.stringify({
      schemaVersion: '1.0',
      constants: [{ Start: { type: 'string', value: 'systemctl' } }],
      parameters: [{ What: { type: 'string', default: 'daemon-reload' } }],
      phases: [{ name: 'build', steps }],
    });
    const document = parseComponent(text, 'test');
    assert.equal(runningSystemNeed(document, PHASES), undefined);
    assert.equal(runningSystemNeed(document, PHASES, { What: 'start x' })?.why, 'asks the service manager');
  });

  test('names phase and step, and only looks into the phases that are run', () => {
    const steps = [
      { name: 'Fine', action: 'ExecuteBinary', inputs: { path: 'systemctl', arguments: ['is-enabled', 'x'] } },
      { name: 'Again', action: 'Reboot', inputs: {} },
    ];
    const text = JSON.stringify({ schemaVersion: '1.0', phases: [{ name: 'validate', steps }] });
    const document = parseComponent(text, 'test');
    const need = { phase: 'validate', step: 'Again', why: 'asks for a reboot' };
    assert.deepEqual(runningSystemNeed(document, PHASES), need);
    assert.equal(runningSystemNeed(document, ['test']), undefined);
  });

  test('the example needs none', async () => {
    for (const name of ['nginx', 'page']) {
      const url = new URL(`../../examples/web-server/components/${name}.yaml`, import.meta.url);
      const document = parseComponent(await readFile(url, 'utf8'), name);
      assert.equal(runningSystemNeed(document, PHASES), undefined);
    }
  });
});
