// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sys/attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "sys/dispatcher.h"
#include "sys/netinfo.h"
#include "sys/xdp_holder.h"

/* Linux 6.6 has them; Debian 12's headers do not name them. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define TCX_FIRST (1 << 3) /* BPF_F_BEFORE: before all others */

/* Our filter is known by these, so that replacing it hits no other filter. */
#define FILTER_HANDLE 0x535
#define FILTER_PRIORITY 53

/*
 * A link is pinned as KIND-IFINDEX: bpffs takes no dots in names, which the
 * names of interfaces may have.
 */
#define GATE "xdp"

static const struct {
	const char *kind;
	const char *name;
	int tcx;
	enum bpf_tc_attach_point clsact;
} tc_sides[TC_SIDES] = {
	[TC_OUT] = { "tc", "tc egress", TCX_EGRESS, BPF_TC_EGRESS },
	[TC_IN] = { "tcin", "tc ingress", TCX_INGRESS, BPF_TC_INGRESS },
};

static int link_path(char *buf, size_t size, const char *dir, const char *kind,
		     const struct daemon_iface *iface)
{
	char name[48];

	snprintf(name, sizeof(name), "links/%s-%u", kind, iface->ifindex);
	return file_path(buf, size, dir, name);
}

/*
 * Opens a pinned link: returns its fd if it is still attached to the interface,
 * else -ENOENT. The link of an interface that went away stays, with index 0. (A
 * TCX link's info has the index where an XDP link's has it; Debian 12's headers
 * lack it.)
 */
static int open_link(const char *path, __u32 ifindex, __u32 *prog_id)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int fd = bpf_obj_get(path);

	if (fd < 0)
		return -errno;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len) &&
	    info.xdp.ifindex == ifindex) {
		*prog_id = info.prog_id;
		return fd;
	}
	close(fd);
	return -ENOENT;
}

static __u32 attached_link(const char *dir, const char *kind,
			   const struct daemon_iface *iface)
{
	char path[PATH_MAX];
	__u32 prog_id;
	int fd = link_path(path, sizeof(path), dir, kind, iface);

	if (!fd)
		fd = open_link(path, iface->ifindex, &prog_id);
	if (fd < 0)
		return 0;
	close(fd);
	return prog_id;
}

static int pin_link(int fd, const char *path)
{
	int err = 0;

	if (fd < 0)
		return fd;
	unlink(path);
	if (bpf_obj_pin(fd, path))
		err = -errno;
	close(fd);
	return err;
}

/*
 * Swaps the program in the link that is pinned there: 1, or 0 if there is none
 * that can be used.
 */
static int adopt(const char *path, __u32 ifindex, int prog_fd)
{
	__u32 old;
	int fd = open_link(path, ifindex, &old), err;

	err = fd < 0 ? fd : bpf_link_update(fd, prog_fd, NULL);
	if (fd >= 0)
		close(fd);
	if (!err)
		return 1;
	unlink(path); /* defunct, or of another kind */
	return 0;
}

static char netlink_words[256];

static int keep_netlink_words(enum libbpf_print_level level, const char *fmt,
			      va_list ap)
{
	static const char prefix[] = "Kernel error message: ";
	char line[256], *words;

	vsnprintf(line, sizeof(line), fmt, ap);
	words = strstr(line, prefix);
	if (words) {
		words += strlen(prefix);
		words[strcspn(words, "\n")] = '\0';
		snprintf(netlink_words, sizeof(netlink_words), "%s", words);
	}
	return 0;
}

/*
 * The kernel gives no reason when it refuses a link. Netlink, asked for the
 * same, passes on the driver's own words; if netlink succeeds, the program is
 * detached again.
 */
static const char *native_refusal(__u32 ifindex, int prog_fd, int err)
{
	libbpf_print_fn_t old = libbpf_set_print(keep_netlink_words);
	__u32 flags = XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST;

	netlink_words[0] = '\0';
	if (!bpf_xdp_attach(ifindex, prog_fd, flags, NULL))
		bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL);
	libbpf_set_print(old);
	if (*netlink_words)
		return netlink_words;
	return err == -EOPNOTSUPP || err == -EINVAL ?
		       "its driver has no native XDP" :
		       strerror(-err);
}

static int create_xdp(__u32 ifindex, int prog_fd, __u32 flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd = bpf_link_create(prog_fd, ifindex, BPF_XDP, &opts);

	return fd < 0 ? -errno : fd;
}

static int xdp_busy(const struct daemon_iface *iface, char *why, size_t size)
{
	struct xdp_holder h;

	if (xdp_holder_find(iface, &h))
		snprintf(why, size,
			 "%s has another XDP program already, %s, which is "
			 "left alone: %s",
			 iface->name, h.who, h.remedy);
	else if (xdp_holder_find_above(iface, &h))
		snprintf(why, size,
			 "cannot attach XDP to %s, for %s, which lies on it, "
			 "has an XDP program, %s: %s",
			 iface->name, h.on, h.who, h.remedy);
	else
		snprintf(why, size, "cannot attach XDP to %s: %s", iface->name,
			 strerror(EBUSY));
	return -EBUSY;
}

int attach_xdp(const char *dir, struct daemon_iface *iface, int prog_fd,
	       char *why, size_t size)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	char path[PATH_MAX];
	int fd, err = link_path(path, sizeof(path), dir, GATE, iface);

	*why = '\0';
	if (err)
		return err;
	if (adopt(path, iface->ifindex, prog_fd) ||
	    dispatcher_find(dir, iface)) {
		if (!bpf_xdp_query(iface->ifindex, 0, &query) &&
		    query.attach_mode == XDP_ATTACHED_SKB)
			iface->flags |= IFACE_XDP_GENERIC;
		return 0;
	}
	fd = create_xdp(iface->ifindex, prog_fd, XDP_FLAGS_DRV_MODE);
	if (fd == -EBUSY || fd == -EEXIST)
		return xdp_busy(iface, why, size);
	if (fd < 0) {
		snprintf(why, size, "%s",
			 native_refusal(iface->ifindex, prog_fd, fd));
		fd = create_xdp(iface->ifindex, prog_fd, XDP_FLAGS_SKB_MODE);
		if (fd >= 0)
			iface->flags |= IFACE_XDP_GENERIC;
	}
	err = pin_link(fd, path);
	if (err)
		snprintf(why, size, "cannot attach XDP to %s: %s", iface->name,
			 strerror(-err));
	return err;
}

static void filter_of(const struct daemon_iface *iface, enum tc_side side,
		      struct bpf_tc_hook *hook, struct bpf_tc_opts *opts)
{
	*hook = (struct bpf_tc_hook){ .sz = sizeof(*hook),
				      .ifindex = iface->ifindex,
				      .attach_point = tc_sides[side].clsact };
	*opts = (struct bpf_tc_opts){ .sz = sizeof(*opts),
				      .handle = FILTER_HANDLE,
				      .priority = FILTER_PRIORITY };
}

void attach_expect(struct daemon_iface *iface)
{
	if (!netinfo_has_clsact(iface->ifindex))
		iface->flags |= IFACE_QDISC_OURS;
}

/*
 * The way before Linux 6.6. detach() may remove the qdisc only if this made it.
 */
static int attach_clsact(struct daemon_iface *iface, enum tc_side side,
			 int prog_fd)
{
	libbpf_print_fn_t old = libbpf_set_print(NULL);
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;
	int err;

	filter_of(iface, side, &hook, &opts);
	err = bpf_tc_hook_create(&hook);
	if (!err)
		iface->flags |= IFACE_QDISC_OURS;
	opts.prog_fd = prog_fd;
	opts.flags = BPF_TC_F_REPLACE;
	if (!err || err == -EEXIST)
		err = bpf_tc_attach(&hook, &opts);
	libbpf_set_print(old);
	if (!err)
		iface->flags |= IFACE_CLSACT;
	return err;
}

/*
 * The sensor runs before all other programs: they may end the chain, it never
 * does.
 */
int attach_tc(const char *dir, struct daemon_iface *iface, enum tc_side side,
	      int prog_fd, char *why, size_t size)
{
	LIBBPF_OPTS(bpf_link_create_opts, first, .flags = TCX_FIRST);
	char path[PATH_MAX];
	int fd, err = link_path(path, sizeof(path), dir, tc_sides[side].kind,
				iface);

	*why = '\0';
	if (err)
		return err;
	if (adopt(path, iface->ifindex, prog_fd)) {
		iface->flags &= ~IFACE_QDISC_OURS;
		return 0;
	}
	fd = bpf_link_create(prog_fd, iface->ifindex, tc_sides[side].tcx,
			     &first);
	if (fd >= 0) {
		iface->flags &= ~IFACE_QDISC_OURS;
		err = pin_link(fd, path);
	} else {
		err = errno == EINVAL ? attach_clsact(iface, side, prog_fd) :
					-errno;
	}
	if (err)
		snprintf(why, size, "cannot attach the sensor (%s) to %s: %s%s",
			 tc_sides[side].name, iface->name, strerror(-err),
			 fd < 0 && err == -ENOENT ?
				 "; before Linux 6.6 this needs the kernel "
				 "modules sch_ingress and cls_bpf" :
				 "");
	return err;
}

static int detach_clsact(const struct daemon_iface *iface)
{
	libbpf_print_fn_t old = libbpf_set_print(NULL);
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;
	int err = 0;

	for (int side = 0; side < TC_SIDES; side++) {
		int gone;

		filter_of(iface, side, &hook, &opts);
		gone = bpf_tc_detach(&hook, &opts);
		err = err ? err : gone;
	}
	if (iface->flags & IFACE_QDISC_OURS &&
	    !netinfo_has_filters(iface->ifindex)) {
		hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
		err = bpf_tc_hook_destroy(&hook);
	}
	libbpf_set_print(old);
	return err == -ENOENT || err == -ENODEV ? 0 : err;
}

static int unpin_link(const char *dir, const char *kind,
		      const struct daemon_iface *iface)
{
	char path[PATH_MAX];
	int err = link_path(path, sizeof(path), dir, kind, iface);

	return !err && unlink(path) && errno != ENOENT ? -errno : err;
}

int detach_links(const char *dir, const struct daemon_iface *iface)
{
	int err = detach_xdp(dir, iface);

	for (int side = 0; side < TC_SIDES && !err; side++)
		err = unpin_link(dir, tc_sides[side].kind, iface);
	return err;
}

int detach_xdp(const char *dir, const struct daemon_iface *iface)
{
	char path[PATH_MAX], why[256];
	__u32 prog_id;
	int fd = link_path(path, sizeof(path), dir, GATE, iface);

	/* At once: the kernel frees a link only some time after its last pin. */
	if (!fd)
		fd = open_link(path, iface->ifindex, &prog_id);
	if (fd >= 0) {
		bpf_link_detach(fd);
		close(fd);
	}
	if (!geteuid()) /* nobody else can */
		dispatcher_clear(iface, NULL, why, sizeof(why));
	return unpin_link(dir, GATE, iface);
}

int detach_tc(const char *dir, const struct daemon_iface *iface,
	      enum tc_side side)
{
	libbpf_print_fn_t old = libbpf_set_print(NULL);
	int err = unpin_link(dir, tc_sides[side].kind, iface);
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;

	filter_of(iface, side, &hook, &opts);
	bpf_tc_detach(&hook, &opts);
	libbpf_set_print(old);
	return err;
}

int detach(const char *dir, const struct daemon_iface *iface)
{
	int err = detach_links(dir, iface), filter;

	if (err)
		return err;
	/*
	 * A daemon killed while attaching left no IFACE_CLSACT flag, so try
	 * both.
	 */
	filter = detach_clsact(iface);
	return iface->flags & IFACE_CLSACT ? filter : 0;
}

__u32 attached_xdp(const char *dir, const struct daemon_iface *iface)
{
	return attached_link(dir, GATE, iface) ?: dispatcher_find(dir, iface);
}

bool attached_beside(const char *dir, const struct daemon_iface *iface)
{
	return !attached_link(dir, GATE, iface) && dispatcher_find(dir, iface);
}

static __u32 attached_clsact(const struct daemon_iface *iface,
			     enum tc_side side)
{
	libbpf_print_fn_t old = libbpf_set_print(NULL);
	struct bpf_tc_hook hook;
	struct bpf_tc_opts opts;
	int err;

	filter_of(iface, side, &hook, &opts);
	err = bpf_tc_query(&hook, &opts);
	libbpf_set_print(old);
	return err ? 0 : opts.prog_id;
}

static __u32 attached_side(const char *dir, const struct daemon_iface *iface,
			   enum tc_side side)
{
	return iface->flags & IFACE_CLSACT ?
		       attached_clsact(iface, side) :
		       attached_link(dir, tc_sides[side].kind, iface);
}

__u32 attached_tc(const char *dir, const struct daemon_iface *iface)
{
	return attached_side(dir, iface, TC_OUT);
}

__u32 attached_tc_in(const char *dir, const struct daemon_iface *iface)
{
	return attached_side(dir, iface, TC_IN);
}

bool attached_any_gate(const char *dir)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool gate = false;
	DIR *links = file_path(path, sizeof(path), dir, "links") ?
			     NULL :
			     opendir(path);

	if (!links)
		return false;
	while ((entry = readdir(links)))
		gate |= !strncmp(entry->d_name, GATE "-", strlen(GATE "-"));
	closedir(links);
	return gate;
}
