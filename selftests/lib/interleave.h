/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs functions as if on several CPUs, in every order in which their steps
 * can follow each other: a step ends where the code calls interrupt(). What
 * else may go one way or the other asks il_choose().
 */
#ifndef SELFTESTS_INTERLEAVE_H
#define SELFTESTS_INTERLEAVE_H

#include <stdbool.h>
#include <ucontext.h>

#define CPUS_MAX 3
#define STEPS_MAX 512
#define STACK_SIZE 32768

struct interleave {
	unsigned int n_cpus;
	unsigned int preempts; /* of a CPU that could go on, at most */
	void (*start)(void *arg); /* before each order */
	void (*cpu)(void *arg, unsigned int n);
	void (*check)(void *arg, unsigned int order); /* after it */
	void *arg;
};

static struct {
	const struct interleave *what;
	ucontext_t scheduler;
	ucontext_t context[CPUS_MAX];
	bool done[CPUS_MAX];
	char stack[CPUS_MAX][STACK_SIZE];
	/* At each choice: how many there were, and which was taken. */
	unsigned char options[STEPS_MAX], pick[STEPS_MAX];
	unsigned int choices; /* so far */
	unsigned int given; /* of them, before the first that is free */
} il;

static __thread int il_running = -1; /* the CPU; -1: no interleaving */

/* 0..n-1: one after the other, over all the runs. */
static inline unsigned int il_choose(unsigned int n)
{
	unsigned int i = il.choices;

	if (n < 2)
		return 0;
	assert_true(i < STEPS_MAX);
	if (i >= il.given)
		il.pick[i] = 0;
	il.options[i] = n;
	il.choices++;
	return il.pick[i];
}

static inline void interrupt(void)
{
	if (il_running >= 0)
		swapcontext(&il.context[il_running], &il.scheduler);
}

static void il_cpu(unsigned int n)
{
	il.what->cpu(il.what->arg, n);
	il.done[n] = true;
}

static void il_start(void)
{
	il.what->start(il.what->arg);
	for (unsigned int i = 0; i < il.what->n_cpus; i++) {
		il.done[i] = false;
		getcontext(&il.context[i]);
		il.context[i].uc_stack.ss_sp = il.stack[i];
		il.context[i].uc_stack.ss_size = STACK_SIZE;
		il.context[i].uc_link = &il.scheduler;
		makecontext(&il.context[i], (void (*)(void))il_cpu, 1, i);
	}
}

/* Whose turn it can be; the one that ran last comes first. */
static unsigned int il_options(int last, unsigned int preempts, int *cpu)
{
	unsigned int n = 0;

	if (last >= 0 && !il.done[last]) {
		cpu[n++] = last;
		if (!preempts)
			return n;
	}
	for (int i = 0; i < (int)il.what->n_cpus; i++)
		if (i != last && !il.done[i])
			cpu[n++] = i;
	return n;
}

/* Follows the picks that are given, then the first option. */
static void il_run(void)
{
	unsigned int preempts = il.what->preempts;
	int cpu[CPUS_MAX], last = -1;

	il_start();
	for (;;) {
		unsigned int n = il_options(last, preempts, cpu), pick;

		if (!n)
			return;
		pick = il_choose(n);
		if (cpu[0] == last && pick)
			preempts--;
		last = cpu[pick];
		il_running = last;
		swapcontext(&il.scheduler, &il.context[last]);
		il_running = -1;
	}
}

/* Returns the number of orders. */
static unsigned int interleave(const struct interleave *what)
{
	unsigned int orders = 0, i;

	il.what = what;
	for (il.given = 0;; il.given = i + 1) {
		il.choices = 0;
		il_run();
		what->check(what->arg, ++orders);
		i = il.choices;
		do {
			if (!i)
				return orders;
			i--;
		} while (il.pick[i] + 1 >= il.options[i]);
		il.pick[i]++;
	}
}

#endif
