# The first process of a container, in namespaces of its own: makes the root folder $ARGV[1] its file system, says so on
# standard output, and lives until it is killed. With it the kernel ends every other process. One program without modules makes
# all the mounts: as a script with a `mount` for each it took longer than most components.
#
# $ARGV[0]  machine: x64 or arm64
# $ARGV[2]  host name
# $ARGV[3]  a file that tells how names are resolved, or nothing; then the network is of its own and has only a loopback
# $ARGV[4]… binds: SOURCE PATH ro|rw …
use strict;
use warnings;

my ($machine, $root, $hostname, $resolver, @binds) = @ARGV;
my %numbers = (
  x64   => { mount => 165, umount2 => 166, pivot_root => 155 },
  arm64 => { mount => 40,  umount2 => 39,  pivot_root => 41 },
);
my $call = $numbers{$machine} or stop("the calls of $machine are not known");

# linux/mount.h
my %flags = (
  ro => 1, nosuid => 2, nodev => 4, noexec => 8, remount => 32, noatime => 1024, nodiratime => 2048, bind => 4096,
  rec => 16384,
);

sub stop { print STDERR "$_[0]\n"; exit 1 }

# Mounts with options as mount(8) has them; what is no flag is for the file system.
sub attach {
  my ($source, $target, $type, $options) = @_;
  my ($bits, @data) = (0);
  for my $option (split /,/, $options) {
    if (exists $flags{$option}) { $bits |= $flags{$option} } else { push @data, $option }
  }
  my $data = join ',', @data;
  syscall($call->{mount}, $source, $target, $type, $bits, $data) == 0
    or stop("$target cannot be mounted ($type $options): $!");
}

# With the flags that it has beside new ones: the kernel takes away what is not named.
sub restrict {
  my ($target, $options, $has) = @_;
  attach('none', $target, 'none', join ',', 'remount,bind', $options, grep { exists $flags{$_} } split /,/, $has);
}

# The options of each mount of this process, by where it is; of several at one place those of the last, which is on top.
sub mounts {
  open my $table, '<', '/proc/self/mountinfo' or stop("the mounts cannot be read: $!");
  my %options;
  while (my $line = <$table>) {
    my (undef, undef, undef, undef, $place, $options) = split ' ', $line;
    $place =~ s/\\([0-7]{3})/chr oct $1/ge;
    $options{$place} = $options;
  }
  return \%options;
}

# A path in the root folder, and the folders above it made. A link on the way would lead out of it.
sub place {
  my ($path) = @_;
  my @parts = grep { $_ ne '' } split m{/}, $path;
  my $last = pop @parts;
  my $at = $root;
  for my $part (@parts) {
    $at .= "/$part";
    refuse_link($at);
    make_folder($at);
  }
  $at .= "/$last";
  refuse_link($at);
  return $at;
}

sub refuse_link { stop("$_[0] is a link, nothing can be mounted there") if -l $_[0] }

sub make_folder {
  my ($path) = @_;
  -d $path or mkdir $path or stop("the folder $path cannot be made: $!");
  return $path;
}

sub make_file {
  my ($path, $content) = @_;
  open my $file, '>', $path or stop("$path cannot be written: $!");
  print $file $content;
  close $file or stop("$path cannot be written: $!");
}

sub read_file {
  my ($path) = @_;
  open my $file, '<', $path or stop("$path cannot be read: $!");
  local $/;
  return scalar <$file>;
}

# /proc is still the host's and tells our process id there.
my ($pid) = split ' ', read_file('/proc/self/stat');

# By the name that the kernel has for it.
chdir $root or stop("$root cannot be entered: $!");
$root = readlink '/proc/self/cwd';
attach($root, $root, 'none', 'bind,rec');
# A device node that a package makes must not open a device of the host.
restrict($root, 'nodev', mounts()->{$root} // stop("$root is no mount"));

attach('proc', make_folder(place('proc')), 'proc', 'nosuid,nodev,noexec');
make_folder(place($_)) for qw(sys dev run tmp);
# Settings of the kernel and of devices are the host's.
for my $path (map { "$root/proc/$_" } qw(sys bus fs irq scsi acpi sysrq-trigger)) {
  next unless -e $path;
  attach($path, $path, 'none', 'bind');
  attach('none', $path, 'none', 'remount,bind,ro,nosuid,nodev,noexec');
}
# Nor is anybody's business in there what this machine is made of or does.
for my $path (map { "$root/proc/$_" } qw(kcore keys kmsg timer_list sched_debug partitions diskstats)) {
  attach('/dev/null', $path, 'none', 'bind') if -e $path;
}
attach('tmpfs', "$root/sys", 'tmpfs', 'mode=755,nosuid,nodev,noexec,size=64k');
for my $path (qw(class bus block dev firmware fs/cgroup kernel module devices/system/cpu devices/system/node)) {
  make_folder(place("sys/$path"));
}
for my $path (qw(devices/system/cpu devices/system/node)) {
  next unless -d "/sys/$path";
  attach("/sys/$path", "$root/sys/$path", 'none', 'bind');
  attach('none', "$root/sys/$path", 'none', 'remount,bind,ro,nosuid,nodev,noexec');
}
attach('none', "$root/sys", 'none', 'remount,bind,ro,nosuid,nodev,noexec');
attach('tmpfs', "$root/dev", 'tmpfs', 'mode=755,nosuid,nodev,size=1m');
for my $device (qw(null zero full random urandom tty)) {
  make_file("$root/dev/$device", '');
  attach("/dev/$device", "$root/dev/$device", 'none', 'bind');
}
make_folder("$root/dev/$_") for qw(pts shm .host);
attach('devpts', "$root/dev/pts", 'devpts', 'newinstance,ptmxmode=0666,mode=620,nosuid,noexec');
attach('tmpfs', "$root/dev/shm", 'tmpfs', 'mode=1777,nosuid,nodev,size=25%');
my %links = (
  ptmx => 'pts/ptmx', fd => '/proc/self/fd', stdin => '/proc/self/fd/0', stdout => '/proc/self/fd/1',
  stderr => '/proc/self/fd/2',
);
symlink $links{$_}, "$root/dev/$_" or stop("the link $root/dev/$_ cannot be made: $!") for keys %links;
attach('tmpfs', "$root/run", 'tmpfs', 'mode=755,nosuid,nodev,size=10%');
chmod 01777, make_folder("$root/run/lock");

my @read_only;
while (my ($source, $path, $mode) = splice @binds, 0, 3) {
  my $target = place($path);
  if (-d $source) { make_folder($target) } elsif (!-e $target) { make_file($target, '') }
  attach($source, $target, 'none', 'bind,rec');
  push @read_only, $target if $mode ne 'rw';
}
if (@read_only) {
  my $mounts = mounts();
  restrict($_, 'ro', $mounts->{$_} // stop("$_ is no mount")) for @read_only;
}

# How names are resolved. The file may be a link to one that a service makes below /run, where no link can be yet; one
# that leads elsewhere is the container's own affair, for from here it would lead to files of the host.
if ($resolver ne '' && -e $resolver) {
  my $content = read_file($resolver);
  my $own = "$root/etc/resolv.conf";
  make_file("$root/run/.resolv.conf", $content);
  if (-l $own) {
    my ($below) = readlink($own) =~ m{^(?:\.\.)?/run/(.+)$}s;
    if (defined $below && !grep { $_ eq '.' || $_ eq '..' } split m{/}, $below) {
      my $target = place("run/$below");
      make_file($target, $content) unless -e $target;
    }
  } elsif (-f $own && !-l "$root/etc") {
    attach("$root/run/.resolv.conf", $own, 'none', 'bind');
  }
}
if ($resolver eq '') {
  # SIOCSIFFLAGS, IFF_UP: a machine has its loopback.
  socket my $any, 2, 2, 0 or stop("the loopback cannot be reached: $!");
  my $request = pack 'a16 s x22', 'lo', 1;
  ioctl $any, 0x8914, $request or stop("the loopback cannot be started: $!");
}
make_file('/proc/sys/kernel/hostname', $hostname);

chdir $root or stop("$root cannot be entered: $!");
my ($here, $old) = ('.', 'dev/.host');
syscall($call->{pivot_root}, $here, $old) == 0 or stop("$root cannot be made the root: $!");
chdir '/' or stop("the new root cannot be entered: $!");
# MNT_DETACH. From here on nothing of the host's can be reached, nor its programs be started.
my $host = '/dev/.host';
syscall($call->{umount2}, $host, 2) == 0 or stop("the host's files cannot be taken away: $!");
rmdir $host or stop("$host cannot be removed: $!");
# Our name and arguments are seen inside. Orphans of commands are our children; the kernel takes note of those that end.
$0 = 'kiln';
$SIG{CHLD} = 'IGNORE';
$| = 1;
print "$pid\n";
sleep while 1;
