// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "cmd/capture.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <pcap/sll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A kernel hands packets of up to 512 KiB to a capture (BIG TCP). */
#define FRAME_MAX (1U << 20)
/* Behind Ethernet's 14 bytes, IP's header is to be aligned. */
#define FRAME_PAD 2
#define NSEC 1000000000ULL

struct capture {
	pcap_t *pcap;
	int link;
	off_t size; /* of the file; 0 where it is none */
	uint64_t latest_ns;
	union {
		uint32_t aligned;
		uint8_t room[FRAME_PAD + FRAME_MAX];
	};
};

/* What a link layer's header says. `header` is its length, -1: cut short. */
struct cooked {
	int header;
	uint16_t proto; /* network byte order */
	bool incoming;
};

static uint16_t proto_of(const uint8_t *ip)
{
	return htons(*ip >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP);
}

static struct cooked uncook(int link, const uint8_t *data, uint32_t len)
{
	struct cooked c = { .header = -1 };

	if (link == DLT_LINUX_SLL && len >= SLL_HDR_LEN) {
		const struct sll_header *h = (const void *)data;

		c.header = SLL_HDR_LEN;
		c.proto = h->sll_protocol;
		c.incoming = ntohs(h->sll_pkttype) != LINUX_SLL_OUTGOING;
	} else if (link == DLT_LINUX_SLL2 && len >= SLL2_HDR_LEN) {
		const struct sll2_header *h = (const void *)data;

		c.header = SLL2_HDR_LEN;
		c.proto = h->sll2_protocol;
		c.incoming = h->sll2_pkttype != LINUX_SLL_OUTGOING;
	} else if (link != DLT_LINUX_SLL && link != DLT_LINUX_SLL2 && len) {
		c.header = 0;
		c.proto = proto_of(data);
	}
	return c;
}

/* Puts a frame's bytes behind the header that is there already. */
static void append(struct capture *c, const uint8_t *data, uint32_t len,
		   struct captured *f)
{
	if (len > FRAME_MAX - f->len)
		len = FRAME_MAX - f->len;
	memcpy(c->room + FRAME_PAD + f->len, data, len);
	f->len += len;
}

/* Puts an Ethernet header in the place of another link layer's. */
static void as_ethernet(struct capture *c, const uint8_t *data, uint32_t len,
			struct captured *f)
{
	struct cooked k = uncook(c->link, data, len);
	struct ethhdr *eth = (struct ethhdr *)(c->room + FRAME_PAD);

	memset(eth, 0, sizeof(*eth));
	f->len = sizeof(*eth);
	if (k.header < 0)
		return;
	eth->h_proto = k.proto;
	append(c, data + k.header, len - k.header, f);
	f->incoming = k.incoming;
}

int capture_next(struct capture *c, struct captured *f, char *err, size_t size)
{
	struct pcap_pkthdr *h;
	const uint8_t *data;
	int more = pcap_next_ex(c->pcap, &h, &data);
	uint64_t ns;

	if (more == PCAP_ERROR_BREAK)
		return 0;
	if (more != 1) {
		snprintf(err, size, "%s", pcap_geterr(c->pcap));
		return -EINVAL;
	}
	memset(f, 0, sizeof(*f));
	/* The file was opened for nanoseconds, so tv_usec holds those. */
	ns = h->ts.tv_sec * NSEC + h->ts.tv_usec;
	if (ns > c->latest_ns)
		c->latest_ns = ns;
	f->wall_ns = c->latest_ns;
	f->cut = h->caplen < h->len;
	f->data = c->room + FRAME_PAD;
	if (c->link == DLT_EN10MB)
		append(c, data, h->caplen, f);
	else
		as_ethernet(c, data, h->caplen, f);
	return 1;
}

static bool known_link(int link)
{
	return link == DLT_EN10MB || link == DLT_RAW || link == DLT_IPV4 ||
	       link == DLT_IPV6 || link == DLT_LINUX_SLL ||
	       link == DLT_LINUX_SLL2;
}

int capture_open(struct capture **out, const char *path, char *err, size_t size)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct capture *c = calloc(1, sizeof(*c));
	struct stat st;

	if (!c) {
		snprintf(err, size, "out of memory");
		return -ENOMEM;
	}
	c->pcap = pcap_open_offline_with_tstamp_precision(
		path, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!c->pcap) {
		snprintf(err, size, "%s", why);
		free(c);
		return -EINVAL;
	}
	c->link = pcap_datalink(c->pcap);
	if (!fstat(fileno(pcap_file(c->pcap)), &st) && S_ISREG(st.st_mode))
		c->size = st.st_size;
	if (!known_link(c->link)) {
		snprintf(err, size,
			 "was taken from a link of type %s: Ethernet, raw IP "
			 "and Linux cooked captures can be replayed",
			 pcap_datalink_val_to_name(c->link) ?: "unknown");
		capture_close(c);
		return -EINVAL;
	}
	*out = c;
	return 0;
}

double capture_progress(const struct capture *c)
{
	return c->size ? (double)ftello(pcap_file(c->pcap)) / c->size : -1;
}

void capture_close(struct capture *c)
{
	pcap_close(c->pcap);
	free(c);
}
