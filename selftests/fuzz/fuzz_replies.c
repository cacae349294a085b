// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Streams of replies, cut anywhere, against a naive reader. The first two bytes
 * are dice for the cuts.
 *
 * Fuzzes: bpf/pure/reply.h
 * Seeds: selftests/unit/test_reply.c selftests/lib/replies.h
 */
#include "fuzz/fuzz.h"
#include "lib/reply_reader.h"

static struct settings settings;

static void set_texts(void)
{
	settings.codes[535] = settings.codes[538] = ACTION_COUNT;
	settings.codes[235] = ACTION_CREDIT;
	for (size_t i = 0; i < ARRAY_SIZE(literals); i++)
		settings_text(&settings, literals[i].text, literals[i].action);
}

static void fuzz(struct input *in)
{
	static struct record got, want;
	struct reply r = {};
	uint32_t dice;
	size_t most;

	if (!settings.n_texts)
		set_texts();
	most = take_byte(in) % 128 + 1;
	dice = take_byte(in);
	read_naively(in->at, in->left, &want);
	got.n = 0;
	while (in->left) {
		size_t n = dice % most + 1;

		dice = dice * 1103515245 + 12345;
		dice ^= dice >> 16;
		if (n > in->left)
			n = in->left;
		if (!feed(&r, &settings, in->at, n, &got))
			break;
		in->at += n;
		in->left -= n;
	}
	must(got.n == want.n);
	must(!memcmp(got.heard, want.heard, got.n * sizeof(*got.heard)));
}

static void seeds(void)
{
}
