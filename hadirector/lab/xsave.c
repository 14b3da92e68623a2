/* Lets User-Mode Linux 6.1 set the floating-point registers of its processes on a CPU with AMX.
 *
 * On such a CPU the XSAVE area of a process has 11 KB. User-Mode Linux has room for 2.7 KB. The host's
 * kernel returns a shortened area (PTRACE_GETREGSET), but refuses to set one (EFAULT, xstateregs_set in
 * arch/x86/kernel/fpu/regset.c), and User-Mode Linux panics. This library completes a shortened area with
 * the process's present state. Nothing is lost: User-Mode Linux does not let its processes use AMX.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int peeks(int request)
{
    return request == PTRACE_PEEKTEXT || request == PTRACE_PEEKDATA || request == PTRACE_PEEKUSER;
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list rest;
    va_start(rest, request);
    pid_t process = va_arg(rest, pid_t);
    void *address = va_arg(rest, void *);
    void *data = va_arg(rest, void *);
    va_end(rest);

    static char area[64 * 1024];
    struct iovec whole = {area, sizeof area}, *given = data;
    if (request == PTRACE_SETREGSET && (long)address == NT_X86_XSTATE &&
        syscall(SYS_ptrace, PTRACE_GETREGSET, process, address, &whole) == 0 && given->iov_len < whole.iov_len) {
        memcpy(area, given->iov_base, given->iov_len);
        data = &whole;
    }
    long word; /* The system call stores the word at an address; the function returns it: ptrace(2). */
    if (!peeks(request))
        return syscall(SYS_ptrace, request, process, address, data);
    return syscall(SYS_ptrace, request, process, address, &word) < 0 ? -1 : word;
}
