// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The oracle: a random client against a real socket, with the programs
 * attached. What the server has read and written is the truth: failures
 * counted are the logins that it refused or left unanswered, and a name that is
 * told is the one that it tried.
 *
 * SEED is of a whole run; CONNECTION, of one that failed; DURATION, in
 * seconds. With KEEP_GOING it tells what fails and goes on.
 */
#include <sched.h>
#include <sys/wait.h>

#include "dialogue.h"
#include "lib/harness.h"
#include "oracle/odd.h"

#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define DEFAULT_SECONDS 20

struct oracle {
	struct lab *lab;
	int listener[2]; /* port 25, IPv4 only; port 587, both */
	struct server server;
	struct caller client;
	uint64_t connections, logins, left, unanswered, named, unnamed;
	uint64_t plain, stuck;
	struct addr address; /* of its client */
};

static struct oracle oracle;

/* --- set up */

static void shell(const char *command)
{
	if (system(command))
		fail_msg("%s: failed", command);
}

static void put_sysctl(const char *name, const char *value)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	close(fd);
}

static int listen_at(int family, uint16_t port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_port = htons(port) };
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(family == AF_INET6 ?
				 bind(fd, (void *)&six, sizeof(six)) :
				 bind(fd, (void *)&four, sizeof(four)),
			 0);
	assert_int_equal(listen(fd, 1000000), 0);
	return fd;
}

static void attach(const struct bpf_program *prog, int ifindex, int where)
{
	int fd = bpf_link_create(bpf_program__fd(prog), ifindex, where, NULL);

	if (fd < 0)
		fail_msg("attaching %s: %s", bpf_program__name(prog),
			 strerror(-fd));
}

static void wire_up(void)
{
	char name[IFNAMSIZ], command[512];

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	wire_open(name);
	put_sysctl("ipv6/conf/all/accept_dad", "0");
	put_sysctl("ipv6/conf/default/accept_dad", "0");
	put_sysctl("ipv4/conf/all/rp_filter", "0");
	put_sysctl("ipv4/conf/default/rp_filter", "0");
	snprintf(
		command, sizeof(command),
		"ip link set lo up && ip link set %s address 02:00:00:00:00:01 "
		"arp off && tc qdisc replace dev %s root noqueue && ip addr add 192.0.2.25/24 dev %s && "
		"ip addr add 2001:db8:25::25/64 dev %s nodad && "
		"ip link set %s up && "
		"ip route add default via 192.0.2.1 dev %s && "
		"ip route add default via 2001:db8:25::1 dev %s",
		name, name, name, name, name, name, name);
	shell(command);
	put_sysctl("ipv4/tcp_fastopen", "1539"); /* 0x603: no cookie asked */
	put_sysctl("ipv4/tcp_invalid_ratelimit", "0");
	put_sysctl("ipv4/tcp_challenge_ack_limit", "2147483647");
	put_sysctl("ipv4/tcp_no_metrics_save", "1");
	/* handshakes that are not completed must not fill the queue */
	put_sysctl("ipv4/tcp_syncookies", "0");
	put_sysctl("ipv4/tcp_max_syn_backlog", "1000000");
	put_sysctl("core/somaxconn", "1000000");
}

static int oracle_setup(void **state)
{
	struct lab *lab = lab_open((struct lab_sizes){});
	char name[IFNAMSIZ] = "tap0";
	int ifindex;

	*state = lab;
	if (!lab)
		return 0;
	oracle.lab = lab;
	wire_up();
	ifindex = if_nametoindex(name);
	assert_true(ifindex);
	attach(lab->skel->progs.drop_ethernet, ifindex, BPF_XDP);
	attach(lab->skel->progs.listen, ifindex, TCX_INGRESS);
	attach(lab->skel->progs.detect_ethernet, ifindex, TCX_EGRESS);
	assert_non_null(bpf_program__attach(lab->skel->progs.closed));
	assert_non_null(bpf_program__attach(lab->skel->progs.destroyed));
	oracle.listener[0] = listen_at(AF_INET, 25);
	oracle.listener[1] = listen_at(AF_INET6, 587);
	lab->s.log_failures = lab->s.log_users = 1;
	settings_rate(&lab->s, 64, 120);
	lab->s.net[0].failures = lab->s.net[1].failures = 0;
	lab_apply(lab);
	return 0;
}

/* --- one connection */

static struct addr address_of_v4(const uint8_t v4[4])
{
	struct addr a = { .d[2] = ADDR_V4_WORD };

	memcpy(&a.d[3], v4, 4);
	return a;
}

static void begin(struct oracle *o, uint64_t seed)
{
	struct server *s = &o->server;
	struct caller *c = &o->client;
	bool six;

	dice_state = seed ? seed : 1;
	dice_roll();
	memset(s, 0, offsetof(struct server, in));
	s->in_len = s->in_at = s->out_len = s->out_at = s->wait = s->n = 0;
	s->refusals = s->unread = 0;
	s->expects = EXPECTS_COMMAND;
	s->fd = -1;
	s->m = (struct manners){
		.batch = dice(2),
		.two_lines = !dice(4),
		.long_lines = !dice(5),
		.answers_empty = dice(2),
		.malformed_535 = !dice(3),
		.nodelay = dice(3),
		.offers = dice(5),
		.delay = dice(3) ? 0 : dice(30),
		.read_size = dice(4) ? 4096 : dice_range(1, 60),
		.send_buffer = dice(8) ? 0 : 2048,
		.patience = dice(3) ? 0 : dice_range(1, 8),
		.oob = !dice(5),
	};
	memset(c, 0, sizeof(*c));
	c->server = s;
	c->style = dice(5) < 2 ? STYLE_ODD :
		   dice(2)     ? STYLE_HONEST :
				 STYLE_PIPELINING;
	c->v6 = c->p.v6 = dice(3) == 0;
	six = c->v6 || dice(2);
	c->listener = o->listener[six];
	c->p.sport = six ? 587 : 25;
	c->p.cport = dice_range(1024, 65535);
	c->p.stamp = dice_roll() | 0x40000000;
	c->iss = dice_roll();
	c->window = dice(3) ? 65535 : dice(2) ? dice(65) : dice(3000);
	c->said = 1;
	memcpy(c->p.server,
	       c->v6 ? "\x20\1\xd\xb8\0\x25\0\0\0\0\0\0\0\0\0\x25" :
		       "\xc0\0\2\x19",
	       c->v6 ? 16 : 4);
	if (c->v6) {
		memcpy(c->p.client, "\x20\1\xd\xb8\xba\xd", 6);
		store32(c->p.client + 4, dice_roll());
		c->p.client[15] = 7;
	} else {
		store32(c->p.client, 10 << 24 | dice(1 << 24));
	}
	o->address = c->v6 ? *(struct addr *)c->p.client :
			     address_of_v4(c->p.client);
	trace(c, "v6 %d style %d window %u offers %d batch %d delay %u\n",
	      c->v6, c->style, c->window, s->m.offers, s->m.batch, s->m.delay);
}

static void shake_hands(struct caller *c)
{
	struct segment s = {
		.seq = c->iss,
		.window = c->window,
		.flags = SYN,
		.mss = dice(3) ? 1400 : dice_range(88, 600),
		.sack = dice(2),
		.ask_stamps = dice(2),
		.data = c->real,
	};

	if (c->style == STYLE_ODD && !dice(8)) {
		for (int n = dice_range(1, 3); n; n--)
			client_say(c);
		s.fast = c->odd = true;
		s.len = c->sent = c->len;
	}
	client_send(c, &s);
	assert_true(c->irs);
	if (c->taken < c->sent)
		c->sent = c->taken;
	if (c->style == STYLE_ODD && !dice(8))
		odd_noise(c);
	client_ack(c, 0);
	if (c->style == STYLE_HONEST || dice(8))
		return;
	client_say(c); /* before the greeting */
	client_flush(c);
}

static void change_window(struct caller *c)
{
	if (!dice(6))
		c->window = dice(4) ? dice(65) : 0;
	else if (!dice(6))
		c->window = 65535;
}

static void round_of(struct caller *c)
{
	uint32_t n = 1;

	if (c->style != STYLE_HONEST)
		n = 1 + dice(dice(6) ? 3 : 14);
	while (n--) {
		if (c->style == STYLE_HONEST) {
			if (!client_settle(c))
				c->dead = true;
		} else if (dice(2) || c->due == DUE_TEXT) {
			if (!client_settle(c) && c->due == DUE_TEXT)
				return;
		}
		if (c->dead)
			return;
		client_say(c);
	}
	if (c->style == STYLE_ODD && dice(3)) {
		if (!dice(4))
			odd_noise(c);
		odd_flush(c);
	} else {
		client_flush(c);
	}
	change_window(c);
	if (dice(2))
		client_steps(c, dice(12));
	if (!dice(4))
		client_ack(c, dice(2) ? ~0U : dice(40));
}

static bool is_gone(struct caller *c)
{
	struct segment s = client_segment(c, c->taken, 0);

	c->rx_reset = false;
	client_send(c, &s);
	return c->rx_reset && c->server->fd < 0;
}

static void reset(struct caller *c)
{
	struct segment s;

	client_ping(c);
	s = client_segment(c, client_taken(c), 0);
	s.flags = RST | ACK;
	client_send(c, &s);
}

/* The server closes, whatever it is doing. */
static void give_up(struct server *s)
{
	s->gave_up |= s->fd >= 0;
	server_close(s, dice(2));
}

/*
 * Ends the connection, one way or another. False: that is not known, for the
 * server's TCP answers nothing any more.
 */
static bool end_it(struct caller *c)
{
	struct server *srv = c->server;
	struct segment s;
	uint32_t how = dice(8);

	trace(c, "end %u\n", how);
	if (dice(2))
		client_steps(c, dice(20));
	if (how < 2) {
		reset(c);
	} else if (how < 5) {
		s = client_segment(c, c->sent, 0);
		s.flags |= FIN;
		client_send(c, &s);
		c->fin = true;
		if (how == 3)
			reset(c);
		else if (dice(3))
			client_wait(c);
	} else if (how == 5) {
		client_steps(c, dice(60));
		give_up(srv);
	} else if (how == 6) {
		client_wait(c);
		reset(c);
	}
	for (int i = 0; i < 20000 && client_steps(c, 1); i++)
		;
	give_up(srv);
	srv->accepted = true; /* or nobody is ever to */
	for (int i = 0; i < 8; i++) {
		client_hear(c);
		if (is_gone(c))
			return true;
		reset(c);
	}
	return false;
}

/* --- the truth */

struct truth {
	const struct login *left[LOGINS_MAX], *open[LOGINS_MAX];
	uint32_t n_left, n_open;
	uint32_t least, most; /* failures unanswered */
};

static bool has_left(const struct caller *c, const struct login *l)
{
	return l->reply_end && l->reply_end <= c->seen;
}

static void find_truth(const struct oracle *o, struct truth *t)
{
	static struct server on;
	const struct server *s = &o->server;
	const struct caller *c = &o->client;

	on = *s;
	server_read_on(&on);
	memset(t, 0, sizeof(*t));
	for (uint32_t i = 0; i < on.n; i++) {
		bool own = i < s->n && s->login[i].verdict;
		const struct login *l = own ? &s->login[i] : &on.login[i];

		if (has_left(c, l)) {
			if (l->verdict == VERDICT_REFUSED)
				t->left[t->n_left++] = l;
			/* who sends forged segments may hide which it was */
			t->most += c->odd && l->verdict == VERDICT_OTHER;
			continue;
		}
		t->open[t->n_open++] = l;
		t->most += l->verdict != VERDICT_NONE;
		t->least += own && !l->faulty &&
			    (l->verdict == VERDICT_REFUSED ||
			     (l->verdict == VERDICT_WORK &&
			      l->to_be == VERDICT_REFUSED));
	}
	/* those that were answered otherwise count, too */
	if (on.n > ATTEMPTS || c->loose)
		t->most += on.n;
	if (c->odd || c->loose) {
		t->least = t->least && !c->tail && !s->gave_up &&
			   (!c->odd || (s->m.offers && c->replies));
		t->most++;
	}
}

static bool keep_going;

static void wrong(struct oracle *o, uint64_t seed, const struct truth *t,
		  const char *what)
{
	const struct server *s = &o->server;
	const struct caller *c = &o->client;

	if (keep_going) {
		printf("BAD CONNECTION=%llu: %s (style %d odd %d loose %d; left %u, "
		       "unanswered %u to %u)\n",
		       (unsigned long long)seed, what, c->style, c->odd,
		       c->loose, t->n_left, t->least, t->most);
		return;
	}
	printf("# %s\n", c->trace);
	printf("# the server has read %u bytes:\n%.*s\n", s->in_len,
	       (int)s->in_len, s->in);
	printf("# has written %u of %u, of which left %u:\n%.*s\n", s->out_at,
	       s->out_len, c->seen, (int)s->out_len, s->out);
	for (uint32_t i = 0; i < s->n; i++)
		printf("# login %u: %s verdict %d (%d) reply_end %u%s\n", i,
		       s->login[i].user, s->login[i].verdict, s->login[i].to_be,
		       s->login[i].reply_end,
		       has_left(c, &s->login[i]) ? " left" : "");
	for (uint32_t i = 0; i < o->lab->n_events; i++)
		printf("# event: %.*s %s\n", o->lab->event[i].user_len,
		       o->lab->event[i].user,
		       o->lab->event[i].unanswered ? "unanswered" : "");
	fail_msg("CONNECTION=%llu: %s (style %d odd %d loose %d; left %u, "
		 "unanswered %u to %u)",
		 (unsigned long long)seed, what, c->style, c->odd, c->loose,
		 t->n_left, t->least, t->most);
}

static bool is_named(const struct event *e, const char *user)
{
	return e->user_len == strlen(user) &&
	       !memcmp(e->user, user, e->user_len);
}

/* Is it one of the unanswered ones that this event names? */
static bool is_open(const struct truth *t, const struct event *e)
{
	for (uint32_t i = 0; i < t->n_open; i++)
		if (is_named(e, t->open[i]->user) ||
		    is_named(e, t->open[i]->begun))
			return true;
	return false;
}

static void judge(struct oracle *o, uint64_t seed)
{
	const struct caller *c = &o->client;
	uint32_t n = lab_events(o->lab), left = 0, unanswered = 0;
	bool exact = c->style == STYLE_HONEST && !c->odd && !c->loose;
	struct truth t;

	find_truth(o, &t);
	for (uint32_t i = 0; i < n; i++) {
		const struct event *e = &o->lab->event[i];

		if (memcmp(&e->client, &o->address, sizeof(e->client)))
			continue; /* of one that was stuck */
		if (e->user_len)
			o->named++;
		else
			o->unnamed++;
		if (e->unanswered) {
			unanswered++;
			if (e->user_len && !is_open(&t, e))
				wrong(o, seed, &t, "a wrong name, unanswered");
			continue;
		}
		if (left >= t.n_left)
			wrong(o, seed, &t, "more failures than replies");
		if (left >= t.n_left)
			break;
		if (e->user_len && !is_named(e, t.left[left]->user))
			wrong(o, seed, &t, "a wrong name");
		if (exact && !is_named(e, t.left[left]->user))
			wrong(o, seed, &t, "no name");
		left++;
	}
	if (left != t.n_left)
		wrong(o, seed, &t, "fewer failures than replies");
	if (unanswered < t.least)
		wrong(o, seed, &t, "too few unanswered");
	if (unanswered > t.most)
		wrong(o, seed, &t, "too many unanswered");
	o->left += left;
	o->unanswered += unanswered;
	o->logins += o->server.n;
	o->plain += !c->odd && !c->loose;
	o->connections++;
}

static void forget(struct oracle *o)
{
	map_clear(o->lab->skel->maps.clients);
	map_clear(o->lab->skel->maps.streams);
	map_clear(o->lab->skel->maps.dialogues);
	map_clear(o->lab->skel->maps.regulars);
	map_clear(o->lab->skel->maps.fronts);
	o->lab->n_events = 0;
	/* ended before it was accepted */
	for (int i = 0, fd; i < 2; i++)
		while ((fd = accept4(o->listener[i], NULL, NULL, 0)) >= 0)
			close(fd);
}

static void run(struct oracle *o, uint64_t seed)
{
	struct caller *c = &o->client;

	begin(o, seed);
	shake_hands(c);
	for (uint32_t n = 1 + dice(8); n && !c->dead; n--)
		round_of(c);
	if (end_it(c))
		judge(o, seed);
	else
		o->stuck++;
	forget(o);
}

static void test_random(void **state)
{
	const char *seconds = getenv("DURATION"), *one = getenv("CONNECTION");
	time_t end = time(NULL) + (seconds ? atoi(seconds) : DEFAULT_SECONDS);
	const char *start = getenv("SEED");
	uint64_t seed = start ? strtoull(start, NULL, 0) :
				(uint64_t)time(NULL) << 20 ^ getpid();
	struct oracle *o = &oracle;

	keep_going = !!getenv("KEEP_GOING");
	if (!*state) {
		printf("# SKIP %s\n", lab_skip_reason);
		skip();
	}
	if (one) {
		run(o, strtoull(one, NULL, 0));
		printf("%s", o->client.trace);
		return;
	}
	printf("# SEED=%llu\n", (unsigned long long)seed);
	dice_state = seed ? seed : 1;
	while (time(NULL) < end) {
		uint64_t this = dice_roll();

		run(o, this);
		dice_state = this;
		dice_roll();
	}
	assert_true(o->stuck <= o->connections / 100);
	printf("# %llu connections (%llu plain), %llu packets, %llu logins, "
	       "%llu refusals left, %llu unanswered, %llu named, %llu not\n",
	       (unsigned long long)o->connections, (unsigned long long)o->plain,
	       (unsigned long long)wire_packets, (unsigned long long)o->logins,
	       (unsigned long long)o->left, (unsigned long long)o->unanswered,
	       (unsigned long long)o->named, (unsigned long long)o->unnamed);
}

static int oracle_teardown(void **state)
{
	lab_close(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, oracle_setup, oracle_teardown);
}
