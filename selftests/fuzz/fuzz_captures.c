// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Capture files of every link type, by libpcap, and the frames made of them.
 *
 * Fuzzes: user/cmd/capture.c
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <pcap/pcap.h>

#include "cmd/capture.h"
#include "fuzz/fuzz.h"

#define FRAMES 64

static void fuzz(struct input *in)
{
	char why[PCAP_ERRBUF_SIZE + 64] = "";
	struct capture *c;
	struct captured f;
	uint64_t last = 0;
	int ret;

	ret = capture_open(&c, file_of(in), why, sizeof(why));
	must(!ret == !*why);
	if (ret)
		return;
	while ((ret = capture_next(c, &f, why, sizeof(why))) > 0) {
		must(f.wall_ns >= last);
		must(f.len <= 1 << 20);
		/* so that IP's header behind Ethernet's may be read in words */
		must(!f.len || (uintptr_t)f.data % 4 == 2);
		touch(f.data, f.len);
		last = f.wall_ns;
		must(capture_progress(c) <= 1);
	}
	must(ret == 0 || ret == -EINVAL);
	must(!ret == !*why);
	capture_close(c);
}

/* One file of some frames, of each link type and precision. */
static void seeds(void)
{
	static const int links[] = { DLT_EN10MB, DLT_RAW,	DLT_IPV4,
				     DLT_IPV6,	 DLT_LINUX_SLL, DLT_LINUX_SLL2,
				     DLT_NULL };
	static const uint8_t frame[128] = { 0x45, [12] = 0x08, [14] = 0x45 };

	for (size_t i = 0; i < 2 * ARRAY_SIZE(links); i++) {
		pcap_t *p = pcap_open_dead_with_tstamp_precision(
			links[i / 2], 65535,
			i % 2 ? PCAP_TSTAMP_PRECISION_NANO :
				PCAP_TSTAMP_PRECISION_MICRO);
		char *bytes;
		size_t n;
		FILE *out = open_memstream(&bytes, &n);
		pcap_dumper_t *d = pcap_dump_fopen(p, out);

		for (uint32_t len = 0; len < 80; len += 13) {
			struct pcap_pkthdr h = { .ts = { 1795450000 + len,
							 len },
						 .caplen = len,
						 .len = len + len % 2 };

			pcap_dump((uint8_t *)d, &h, frame);
		}
		pcap_dump_flush(d);
		seed(bytes, n);
		pcap_dump_close(d);
		pcap_close(p);
		free(bytes);
	}
	/* pcapng: a section, an interface, a packet */
	seed("\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0"
	     "\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0"
	     "\1\0\0\0\x14\0\0\0\x71\0\0\0\xff\xff\0\0\x14\0\0\0"
	     "\6\0\0\0\x34\0\0\0\0\0\0\0\1\2\3\4\5\6\7\x08"
	     "\x14\0\0\0\x14\0\0\0"
	     "\0\4\0\1\0\6\0\0\0\0\0\0\0\0\x08\0\x45\0\0\0\x34\0\0\0",
	     28 + 20 + 52);
}
