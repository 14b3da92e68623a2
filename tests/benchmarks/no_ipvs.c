/* Lets keepalived's checker run on a kernel without IPVS: every request to IPVS is acknowledged.
 *
 * Preloaded. Without netlink keepalived speaks to IPVS through the socket options 1152 to 1167
 * (linux/ip_vs.h). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static int of_ipvs(int level, int name)
{
    return level == IPPROTO_IP && name >= 1152 && name < 1168;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    int (*beneath)(int, int, int, void *, socklen_t *) = dlsym(RTLD_NEXT, "getsockopt");
    unsigned version = 0x010201;

    if (!of_ipvs(level, name))
        return beneath(fd, level, name, value, length);
    memset(value, 0, *length);
    memcpy(value, &version, *length < sizeof version ? *length : sizeof version);
    return 0;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    int (*beneath)(int, int, int, const void *, socklen_t) = dlsym(RTLD_NEXT, "setsockopt");

    return of_ipvs(level, name) ? 0 : beneath(fd, level, name, value, length);
}
