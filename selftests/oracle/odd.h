/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What no honest client's TCP does. */
#ifndef SELFTESTS_ORACLE_ODD_H
#define SELFTESTS_ORACLE_ODD_H

#include "oracle/client.h"

/* A segment that the server's TCP refuses, for one reason or another. */
static inline void odd_refused(struct caller *c, struct segment *s)
{
	switch (dice(9)) {
	case 0:
		s->odd |= c->v6 ? ODD_TCP_SUM : ODD_IP_SUM;
		break;
	case 1:
		s->odd |= ODD_SHORT;
		break;
	case 2:
		if (c->p.stamps) {
			s->odd |= ODD_OLD;
			break;
		}
		/* fallthrough */
	case 3:
		s->ack += 100000; /* what was never sent */
		break;
	case 4:
		s->flags &= ~ACK;
		break;
	case 5:
		s->flags |= SYN;
		break;
	default:
		s->odd |= ODD_TCP_SUM;
	}
	if (!dice(6))
		s->odd |= ODD_FRAGMENTS;
	client_send(c, s);
}

/* A segment in a shape that the server's TCP takes all the same. */
static inline void odd_taken(struct caller *c, struct segment *s)
{
	switch (dice(7)) {
	case 0:
	case 1:
		s->odd |= ODD_OPTIONS;
		break;
	case 2:
		s->odd |= ODD_FRAGMENTS;
		if (dice(2))
			s->other = s->data == c->fake + (s->data - c->fake) ?
					   c->real + (s->data - c->fake) :
					   NULL;
		break;
	case 3:
		s->odd |= ODD_TRAILER;
		break;
	case 4:
		s->odd |= ODD_OPTIONS | ODD_FRAGMENTS;
		break;
	case 5:
		s->flags |= URG;
		s->urgent = dice(2) ? s->len : dice(2 * s->len + 2);
		c->hidden = true;
		break;
	default:
		break;
	}
	client_send(c, s);
}

static inline struct segment odd_fake(struct caller *c, uint32_t at, uint32_t n)
{
	struct segment s = client_segment(c, at, n);

	s.data = c->fake + at;
	return s;
}

/* One piece of the text, [at, at + n), in some way that may get through. */
static inline void odd_piece(struct caller *c, uint32_t at, uint32_t n)
{
	struct segment real = client_segment(c, at, n),
		       fake = odd_fake(c, at, n);
	struct segment part;

	switch (dice(9)) {
	case 0:
		client_send(c, &real);
		break;
	case 1:
		odd_refused(c, &fake);
		odd_taken(c, &real);
		break;
	case 2:
		odd_taken(c, &real);
		odd_taken(c, &fake);
		break;
	case 3: /* which of both is taken, is up to the server */
		odd_taken(c, &fake);
		odd_taken(c, &real);
		break;
	case 4:
		odd_taken(c, &real);
		break;
	case 5: /* the end before the beginning */
		part = dice(2) ? odd_fake(c, at + n / 2, n - n / 2) :
				 client_segment(c, at + n / 2, n - n / 2);
		client_send(c, &part);
		odd_taken(c, &real);
		break;
	case 6: /* again from somewhere before */
		part = odd_fake(c, at - dice(at < 200 ? at + 1 : 200), 0);
		part.len = at + n - (part.seq - c->iss - 1);
		if (part.len > 1300)
			part.len = 1300;
		odd_taken(c, &part);
		client_send(c, &real);
		break;
	case 7: /* both in fragments */
		real.odd |= ODD_FRAGMENTS;
		real.other = c->fake + at;
		client_send(c, &real);
		break;
	default:
		odd_refused(c, &real);
		odd_refused(c, &fake);
		odd_taken(c, &real);
	}
}

static inline void odd_flush(struct caller *c)
{
	c->odd = true;
	while (c->sent < c->len) {
		uint32_t most = c->len - c->sent, n;

		if (most > 1200)
			most = 1200;
		n = dice(2) ? most : dice_range(1, most);
		odd_piece(c, c->sent, n);
		c->sent += n;
		if (!dice(4))
			client_steps(c, 1 + dice(4));
	}
}

/* Something that carries nothing of the text. */
static inline void odd_noise(struct caller *c)
{
	struct segment s = client_segment(c, c->sent, 0);

	c->odd = true;
	switch (dice(7)) {
	case 0: /* what it points at is still to come */
	case 1:
		s.flags |= URG;
		s.urgent = dice(120);
		c->hidden = true;
		break;
	case 2:
		s.flags = RST | ACK;
		s.seq += dice_range(1, 1000);
		break;
	case 3:
		s.flags = SYN;
		break;
	case 4:
		s = odd_fake(c, c->sent ? c->sent - 1 : 0, c->sent ? 1 : 0);
		break;
	case 5:
		s.flags |= PSH;
		s.odd |= ODD_OPTIONS;
		break;
	default:
		s.ack -= 5;
	}
	client_send(c, &s);
}

#endif
