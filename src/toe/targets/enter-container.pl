# The last step into a container: becomes the program $ARGV[4] of the folder that is the working directory, with the
# arguments after it. Runs as the host's program with all rights, which is what keeps the container's processes from looking
# at it (/proc/PID/root, /proc/PID/exe are the host's); only the program that it becomes has fewer. So nothing here may be
# done by two programs, and the rights go with `exec`, not before.
#
# $ARGV[0]  machine: x64 or arm64
# $ARGV[1]  filter of system calls, classic BPF in hexadecimal digits
# $ARGV[2]  capabilities that remain, numbers with commas between them
# $ARGV[3]  umask, octal
my ($machine, $digits, $capabilities, $umask, @command) = @ARGV;
my %numbers = (
  x64   => { seccomp => 317, prctl => 157, capget => 125, capset => 126 },
  arm64 => { seccomp => 277, prctl => 167, capget => 90,  capset => 91 },
);
my $call = $numbers{$machine} or stop("the calls of $machine are not known");
my %kept = map { $_ => 1 } split /,/, $capabilities;

sub stop { print STDERR "kiln: $_[0]\n"; exit 125 }

chroot '.' or stop("the container cannot be entered: $!");
chdir '/' or stop("the container cannot be entered: $!");
umask oct $umask;

# PR_CAPBSET_DROP, until the kernel says EINVAL: it knows no more capabilities.
for my $capability (0 .. 63) {
  next if $kept{$capability};
  next if syscall($call->{prctl}, 24, $capability, 0, 0, 0) == 0;
  $! + 0 == 22 ? last : stop("a capability cannot be given up: $!");
}

# What is inheritable would come through `exec` whatever the bounding set says.
my $header = pack 'L l', 0x20080522, 0;
my $sets = "\0" x 24;
syscall($call->{capget}, $header, $sets) == 0 or stop("capabilities cannot be read: $!");
my @sets = unpack 'L6', $sets;
@sets[2, 5] = (0, 0);
$sets = pack 'L6', @sets;
syscall($call->{capset}, $header, $sets) == 0 or stop("capabilities cannot be set: $!");

# SECCOMP_SET_MODE_FILTER; SECCOMP_FILTER_FLAG_SPEC_ALLOW: without it older kernels slow everything down.
my $filter = pack 'H*', $digits;
my $program = pack 'S x![J] P', length($filter) / 8, $filter;
syscall($call->{seccomp}, 1, 4, $program) == 0 or stop("system calls cannot be filtered: $!");

exec { $command[0] } @command;
print STDERR "kiln: $command[0] cannot be run: $!\n";
exit 126;
