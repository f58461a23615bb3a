# The guest of accelerator.ts: a boot sector that does what a kernel does first (A20, page tables, long mode, much
# memory) and reports through isa-debug-exit whether it came out right. On some hosts /dev/kvm opens and a machine can be
# made, and then no guest gets anywhere.
#
# To build:  as --64 -o probe-guest.o probe-guest.S
#            ld -m elf_x86_64 -Ttext 0x7c00 --oformat binary -o probe-guest.bin probe-guest.o
#            base64 -w0 probe-guest.bin     (the text in probe-guest.ts)

	.code16
	.globl _start
_start:	cli
	xorw %ax, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movw $0x7000, %sp
	inb $0x92, %al			# A20 gate
	orb $2, %al
	outb %al, $0x92

	movw $0x1000, %di		# PML4 at 0x1000, PDPT at 0x2000, page directory at 0x3000
	movw $0x1800, %cx
	xorw %ax, %ax
	cld
	rep stosw
	movw $0x2003, (0x1000)
	movw $0x3003, (0x2000)
	movw $0x3000, %di		# the first GiB in pages of 2 MiB
	movl $0x83, %eax
	movw $512, %cx
1:	movl %eax, (%di)
	addl $0x200000, %eax
	addw $8, %di
	loop 1b

	movl $0x1000, %eax
	movl %eax, %cr3
	movl %cr4, %eax
	orl $0x20, %eax			# PAE
	movl %eax, %cr4
	movl $0xc0000080, %ecx		# EFER: long mode
	rdmsr
	orl $0x100, %eax
	wrmsr
	lgdt gdtr
	movl %cr0, %eax
	orl $0x80000001, %eax		# paging and protected mode
	movl %eax, %cr0
	ljmp $8, $long

	.code64
long:	movw $16, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $0x100000, %edi		# fill 16 MiB above the first with a sequence of numbers
	movl $0x200000, %ecx
	movq %rcx, %rax
2:	movq %rax, (%rdi)
	addq $8, %rdi
	imulq $1103515245, %rax, %rax
	addq $12345, %rax
	decl %ecx
	jnz 2b
	movl $0x100000, %esi		# read it back and compare
	movl $0x200000, %ecx
	movq %rcx, %rdx
3:	lodsq
	cmpq %rax, %rdx
	jne wrong
	imulq $1103515245, %rdx, %rdx
	addq $12345, %rdx
	decl %ecx
	jnz 3b
	movb $0x2a, %al			# QEMU ends with (0x2a << 1) | 1 = 85
	jmp report
wrong:	movb $0x2b, %al
report:	outb %al, $0xf4
4:	hlt
	jmp 4b

	.align 8
gdt:	.quad 0
	.quad 0x00209a0000000000	# 64-bit code
	.quad 0x0000920000000000	# data
gdtr:	.word 23
	.long gdt
	.org 510
	.word 0xaa55
