// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Capture files of every link type, by libpcap, and the frames made of them:
 * any bytes, or a file of frames that are known and have to come out of it.
 *
 * Bytes: 1024
 * Fuzzes: user/cmd/capture.c
 */
#include <errno.h>
#include <pcap/pcap.h>

#include "cmd/capture.h"
#include "fuzz/fuzz.h"

#define FRAMES_MAX 64
#define ETHERNET 14

/* Link types as files have them (tcpdump.org/linktypes.html). */
enum link {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW = 101,
	LINK_WIFI = 105,
	LINK_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_SLL2 = 276,
};

static const uint16_t links[] = { LINK_NULL, LINK_ETHERNET, LINK_RAW,
				  LINK_WIFI, LINK_SLL,	    LINK_IPV4,
				  LINK_IPV6, LINK_SLL2 };

static struct {
	uint8_t *byte;
	size_t n;
	bool real; /* a file, for its size and how far it is read */
} file;

/*
 * In libpcap's place, which opens a file by its name: that takes longer than
 * all the rest.
 */
pcap_t *pcap_open_offline_with_tstamp_precision(const char *path, u_int p,
						char *why)
{
	FILE *f = file.real ? fopen(path, "re") :
			      fmemopen(file.byte, file.n, "r");
	pcap_t *pcap;

	must(f);
	pcap = pcap_fopen_offline_with_tstamp_precision(f, p, why);
	if (!pcap)
		fclose(f);
	return pcap;
}

/*
 * The linker puts these in the place of calloc() and free(): a capture has room
 * for the longest frame, and new memory of that size takes longer than all the
 * rest. It stays, and only what is in front of the room is zero again.
 */
#define LARGE (1 << 20)
#define BEFORE_ROOM 32

void *__real_calloc(size_t n, size_t size);
void __real_free(void *p);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *p);
static void *large;

void *__wrap_calloc(size_t n, size_t size)
{
	if (n != 1 || size < LARGE)
		return __real_calloc(n, size);
	if (!large)
		large = __real_calloc(n, size);
	return memset(large, 0, BEFORE_ROOM);
}

void __wrap_free(void *p)
{
	if (p != large)
		__real_free(p);
}

static int open_bytes(struct capture **c, const uint8_t *byte, size_t n,
		      char *why, size_t size)
{
	static unsigned int count;
	const struct input in = { byte, n };

	file.byte = (uint8_t *)byte;
	file.n = n;
	file.real = !(count++ % 256) || !n;
	return capture_open(c, file.real ? file_of(&in) : "", why, size);
}

/* ---- any bytes */

static void read_bytes(const struct input *in)
{
	char why[PCAP_ERRBUF_SIZE + 64] = "";
	struct capture *c;
	struct captured f;
	uint64_t last = 0;
	int ret;

	ret = open_bytes(&c, in->at, in->left, why, sizeof(why));
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
		must((capture_progress(c) >= 0) == file.real);
	}
	must(ret == 0 || ret == -EINVAL);
	must(!ret == !*why);
	capture_close(c);
}

/* ---- files that are whole, whose frames are known */

struct made {
	enum link link;
	bool nano;
	bool swapped; /* of the other byte order */
	uint8_t byte[65536];
	size_t n;
	struct {
		uint32_t sec, part;
		uint32_t have, len;
		const uint8_t *data;
	} frame[FRAMES_MAX];
	size_t frames;
};

static void put32(struct made *m, uint32_t v)
{
	v = m->swapped ? __builtin_bswap32(v) : v;
	memcpy(m->byte + m->n, &v, 4);
	m->n += 4;
}

static void put16(struct made *m, uint16_t v)
{
	v = m->swapped ? __builtin_bswap16(v) : v;
	memcpy(m->byte + m->n, &v, 2);
	m->n += 2;
}

static void make_file(struct made *m, struct input *in)
{
	uint8_t how = take_byte(in);

	m->link = links[how % ARRAY_SIZE(links)];
	m->nano = how & 8;
	/* libpcap swaps fields of these itself */
	m->swapped = how & 16 && m->link != LINK_SLL && m->link != LINK_SLL2;
	m->n = m->frames = 0;
	put32(m, m->nano ? 0xa1b23c4d : 0xa1b2c3d4);
	put16(m, 2);
	put16(m, 4);
	put32(m, 0);
	put32(m, 0);
	put32(m, 65535);
	put32(m, m->link);
	while (in->left > 4 && m->frames < FRAMES_MAX) {
		typeof(m->frame[0]) *f = &m->frame[m->frames++];
		uint16_t part;

		f->sec = 1795450000 + take_byte(in) % 4;
		take(in, &part, sizeof(part));
		f->part = part;
		f->have = take_byte(in);
		if (f->have > in->left)
			f->have = in->left;
		f->len = f->have + (part % 4 == 1);
		put32(m, f->sec);
		put32(m, f->part);
		put32(m, f->have);
		put32(m, f->len);
		f->data = m->byte + m->n;
		take(in, m->byte + m->n, f->have);
		m->n += f->have;
	}
}

/* Is the frame as it was, or behind the Ethernet header that it has to get? */
static void must_be_frame(const struct captured *f, enum link link,
			  const uint8_t *data, size_t n)
{
	size_t header = link == LINK_SLL ? 16 : link == LINK_SLL2 ? 20 : 0;
	const uint8_t *type = link == LINK_SLL2 ? data : data + 14;
	static const uint8_t ip[] = { 0x08, 0x00, 0x86, 0xdd };

	if (link == LINK_ETHERNET) {
		must(f->len == n && !memcmp(f->data, data, n));
		return;
	}
	if (!header)
		type = n && data[0] / 16 == 6 ? ip + 2 : ip;
	for (int i = 0; i < 12; i++)
		must(!f->data[i]);
	if (n < header || !n) {
		must(f->len == ETHERNET && !f->data[12] && !f->data[13]);
		return;
	}
	must(f->len == ETHERNET + n - header);
	must(!memcmp(f->data + 12, type, 2));
	must(!memcmp(f->data + ETHERNET, data + header, n - header));
	if (link == LINK_SLL)
		must(f->incoming == (data[0] || data[1] != 4));
	else if (link == LINK_SLL2)
		must(f->incoming == (data[10] != 4));
}

static void read_made(struct input *in)
{
	char why[PCAP_ERRBUF_SIZE + 64] = "";
	static struct made m;
	struct capture *c;
	struct captured f;
	uint64_t now = 0;
	int ret;

	make_file(&m, in);
	ret = open_bytes(&c, m.byte, m.n, why, sizeof(why));
	if (m.link == LINK_NULL || m.link == LINK_WIFI) {
		must(ret == -EINVAL && *why);
		return;
	}
	must(!ret);
	for (size_t i = 0; i < m.frames; i++) {
		uint64_t ns = m.frame[i].sec * 1000000000ULL +
			      m.frame[i].part * (m.nano ? 1 : 1000);

		now = ns > now ? ns : now;
		must(capture_next(c, &f, why, sizeof(why)) == 1);
		must(f.wall_ns == now);
		must(f.cut == (m.frame[i].len > m.frame[i].have));
		must_be_frame(&f, m.link, m.frame[i].data, m.frame[i].have);
	}
	must(!capture_next(c, &f, why, sizeof(why)));
	capture_close(c);
}

/* The first byte says which. */
static void fuzz(struct input *in)
{
	if (take_byte(in) & 1)
		read_made(in);
	else
		read_bytes(in);
}

/* A file of some frames, of each link type and precision; and the same made. */
static void seeds(void)
{
	static uint8_t bytes[1 + sizeof(((struct made *)0)->byte)];
	static struct made m;

	for (uint8_t how = 0; how < 32; how++) {
		uint8_t frames[400] = { 1, how };
		struct input in = { frames + 1, sizeof(frames) - 1 };

		for (size_t n = 2, len = 0; n + 100 < sizeof(frames);
		     len += 13) {
			frames[n++] = len;
			frames[n++] = len / 2;
			n++;
			frames[n++] = len;
			frames[n] = frames[n + 16] = frames[n + 20] = 0x45;
			frames[n + 14] = 0x08;
			n += len;
		}
		seed(frames, sizeof(frames));
		make_file(&m, &in);
		memcpy(bytes + 1, m.byte, m.n);
		seed(bytes, 1 + m.n);
	}
	/* pcapng: a section, an interface, a packet */
	seed("\0\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0"
	     "\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0"
	     "\1\0\0\0\x14\0\0\0\x71\0\0\0\xff\xff\0\0\x14\0\0\0"
	     "\6\0\0\0\x34\0\0\0\0\0\0\0\1\2\3\4\5\6\7\x08"
	     "\x14\0\0\0\x14\0\0\0"
	     "\0\4\0\1\0\6\0\0\0\0\0\0\0\0\x08\0\x45\0\0\0\x34\0\0\0",
	     1 + 28 + 20 + 52);
}
